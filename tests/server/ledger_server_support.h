// For tests: a server with a script in the model's place and a ledger of its own in a temporary folder.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fathom/accounts/ledger.h"
#include "fathom/chat/json_text.h"
#include "fathom/server/server.h"
#include "tests/accounts/ledger_support.h"
#include "tests/server/http_client_support.h"
#include "tests/server/scripted_generator_support.h"

namespace fathom::testing {

class LedgerServer {
 public:
  static constexpr std::int64_t kNow = 1'780'000'000;  // 2026-05-28: a day of the second price card

  // Every answer is `script`; the clock stands still. Keys of a file besides, if there are any.
  explicit LedgerServer(const std::string& script = "cached 3\nsay \"</think>Hello there.\"\n",
                        const std::string& file_keys = "",
                        const std::function<void(server::ServerParts&)>& adjust = nullptr);
  ~LedgerServer();

  int port() const { return server_->port(); }
  std::filesystem::path file() const { return folder_.path() / "ledger.sqlite"; }
  accounts::Ledger& ledger() { return *ledger_; }
  ScriptedGenerator& generator() { return *generator_; }
  // What a command does at the same time.
  accounts::Database& database() { return *database_; }
  // A key of that account, which is made if there is none.
  std::string key(const std::string& account, accounts::ApiKey wanted = {});
  ReceivedAnswer get(const std::string& key, const std::string& target) const;
  ReceivedAnswer post(const std::string& key, const std::string& target, const std::string& body) const;
  ReceivedAnswer chat(const std::string& key, const std::string& more = "") const;
  accounts::Account account(const std::string& name);
  std::vector<accounts::FinishedRequest> requests(const std::string& account);

 private:
  TemporaryFolder folder_;
  std::unique_ptr<accounts::Database> database_;
  std::shared_ptr<accounts::Ledger> ledger_;
  std::shared_ptr<ScriptedGenerator> generator_;
  std::unique_ptr<server::Server> server_;
};

// Of a body in JSON: "usage.prompt_tokens"; empty if there is none.
std::string value_in(const ReceivedAnswer& answer, const std::string& path);

}  // namespace fathom::testing
