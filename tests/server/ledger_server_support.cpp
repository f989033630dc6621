#include "tests/server/ledger_server_support.h"

#include <fmt/format.h>

#include <fstream>

#include "fathom/accounts/usage_report.h"
#include "tests/server/model_support.h"

namespace fathom::testing {

LedgerServer::LedgerServer(const std::string& script, const std::string& file_keys,
                           const std::function<void(server::ServerParts&)>& adjust)
    : database_(accounts::open_database(file().string())),
      ledger_(std::make_shared<accounts::Ledger>(accounts::LedgerConfig{.where = file().string()})),
      generator_(std::make_shared<ScriptedGenerator>(minnow_tokenizer(), 1, read_scripts(script))) {
  server::ServerParts parts;
  parts.http.port = 0;
  parts.log_level = server::LogLevel::off;
  parts.ledger = ledger_;
  parts.dialects = server::api_dialects();
  parts.now = [] { return kNow; };
  if (!file_keys.empty()) {
    parts.keys_file = (folder_.path() / "keys.txt").string();
    std::ofstream(parts.keys_file) << file_keys << "\n";
  }
  for (const char* id : {"deepseek-v4-flash", "deepseek-v4-pro"}) {
    server::HostedModel model = hosted_model();
    model.id = id;
    model.generator = generator_;
    model.context_tokens = 4096;
    parts.models.push_back(model);
  }
  if (adjust) adjust(parts);
  server_ = std::make_unique<server::Server>(std::move(parts));
}

LedgerServer::~LedgerServer() = default;

std::string LedgerServer::key(const std::string& account, accounts::ApiKey wanted) {
  const accounts::Actor actor{.name = "test", .now = kNow};
  if (!accounts::find_account(*database_, account)) accounts::create_account(*database_, actor, {.name = account});
  wanted.account = account;
  return accounts::create_key(*database_, actor, wanted).text;
}

ReceivedAnswer LedgerServer::get(const std::string& key, const std::string& target) const {
  return ask(port(), "GET", target, {}, {{"authorization", "Bearer " + key}});
}

ReceivedAnswer LedgerServer::post(const std::string& key, const std::string& target, const std::string& body) const {
  return ask(port(), "POST", target, body, {{"authorization", "Bearer " + key}});
}

ReceivedAnswer LedgerServer::chat(const std::string& key, const std::string& more) const {
  return post(
      key, "/v1/chat/completions",
      fmt::format(R"({{"model": "deepseek-v4-flash", "messages": [{{"role": "user", "content": "Hi"}}]{}}})", more));
}

accounts::Account LedgerServer::account(const std::string& name) {
  return accounts::find_account(*database_, name).value();
}

std::vector<accounts::FinishedRequest> LedgerServer::requests(const std::string& account) {
  accounts::UsageQuery query = accounts::UsageQuery::read("", "", "", kNow);
  query.account = account;
  return accounts::read_requests(*database_, query, 1000);
}

std::string value_in(const ReceivedAnswer& answer, const std::string& path) {
  const auto read = try_read_json(answer.body);
  const JsonValue* value = read ? &*read : nullptr;
  for (std::size_t begin = 0; value != nullptr && begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    value = value->find(path.substr(begin, end - begin));
    begin = end + 1;
  }
  if (value == nullptr) return {};
  return value->is(JsonValue::Kind::string) ? value->text : write_json(*value);
}

}  // namespace fathom::testing
