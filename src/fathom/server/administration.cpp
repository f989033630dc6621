#include "fathom/server/administration.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "fathom/accounts/calendar.h"
#include "fathom/accounts/usage_report.h"
#include "fathom/api/balance.h"
#include "fathom/api/hosted_errors.h"
#include "fathom/api/json_object.h"
#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"
#include "fathom/server/query.h"

namespace fathom::server {
namespace {

using namespace accounts;
using api::JsonArray;
using api::JsonObject;

constexpr std::int64_t kMostRows = 10'000;
constexpr std::int64_t kFewRows = 100;

HttpResponse json(std::string body) {
  return {.status = 200, .headers = {{"content-type", "application/json"}}, .body = std::move(body)};
}

std::string list(std::string_view name, const JsonArray& rows) {
  return JsonObject().text("object", "list").json(name, rows.close()).close();
}

// A body's members; one that nobody asked for is the caller's fault.
class Body {
 public:
  explicit Body(const std::string& text) : value_(read_json(text.empty() ? "{}" : text, "admin")) {
    if (!value_.is(JsonValue::Kind::object))
      throw InputError("[admin] found {}, expected an object", kind_name(value_.kind));
  }
  void allow(std::initializer_list<std::string_view> names) const {
    for (const JsonMember& member : value_.members)
      if (std::find(names.begin(), names.end(), member.key) == names.end())
        throw InputError("[admin] {} is no member, expected {}", member.key, fmt::join(names, ", "));
  }
  std::string text(std::string_view name, std::string_view otherwise = {}) const {
    const JsonValue* found = find(name, JsonValue::Kind::string);
    return found == nullptr ? std::string(otherwise) : found->text;
  }
  bool truth(std::string_view name) const {
    const JsonValue* found = find(name, JsonValue::Kind::boolean);
    return found != nullptr && found->truth;
  }
  std::int64_t number(std::string_view name) const {
    const JsonValue* found = find(name, JsonValue::Kind::number);
    if (found == nullptr) return 0;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(found->text.data(), found->text.data() + found->text.size(), value);
    if (error != std::errc() || end != found->text.data() + found->text.size())
      throw InputError("[admin] {} is {}, expected a whole number", name, found->text);
    return value;
  }
  std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> all;
    if (const JsonValue* found = find(name, JsonValue::Kind::array))
      for (const JsonValue& element : found->elements) {
        if (!element.is(JsonValue::Kind::string)) throw InputError("[admin] {} has what is no text", name);
        all.push_back(element.text);
      }
    return all;
  }
  Limits limits() const {
    return {.in_flight = number("in_flight"),
            .tokens_per_minute = number("tokens_per_minute"),
            .tokens_per_day = number("tokens_per_day"),
            .context_tokens = number("context_tokens")};
  }

 private:
  const JsonValue* find(std::string_view name, JsonValue::Kind kind) const {
    const JsonValue* found = value_.find(name);
    if (found == nullptr || found->is(JsonValue::Kind::null)) return nullptr;
    if (!found->is(kind))
      throw InputError("[admin] {} is {}, expected {}", name, kind_name(found->kind), kind_name(kind));
    return found;
  }
  JsonValue value_;
};

std::string write(const Limits& limits) {
  return JsonObject()
      .number("in_flight", limits.in_flight)
      .number("tokens_per_minute", limits.tokens_per_minute)
      .number("tokens_per_day", limits.tokens_per_day)
      .number("context_tokens", limits.context_tokens)
      .close();
}

std::string write(const Account& account) {
  return JsonObject()
      .text("name", account.name)
      .text("currency", account.currency)
      .truth("prepaid", account.prepaid)
      .text("granted_balance", account.granted.exact())
      .text("topped_up_balance", account.topped_up.exact())
      .number("created", account.created)
      .number("closed", account.closed)
      .json("limits", write(account.limits))
      .close();
}

std::string write_texts(const std::vector<std::string>& texts) {
  JsonArray array;
  for (const std::string& text : texts) {
    std::string quoted;
    append_json_string(quoted, text);
    array.add(quoted);
  }
  return array.close();
}

JsonObject write(const ApiKey& key) {
  JsonObject object;
  object.text("id", key.id).text("account", key.account).text("label", key.label).text("ends_in", key.tail);
  object.json("models", write_texts(key.models)).json("surfaces", write_texts(key.surfaces)).truth("admin", key.admin);
  object.number("created", key.created).number("expires", key.expires).number("revoked", key.revoked);
  return object.json("limits", write(key.limits));
}

void write_tokens(JsonObject& object, const TokenCounts& tokens) {
  object.number("prompt_cache_hit_tokens", tokens.hit)
      .number("prompt_cache_miss_tokens", tokens.miss)
      .number("completion_tokens", tokens.output);
}

std::string write(const UsageQuery& query, const UsageRow& row) {
  JsonObject object;
  if (query.tells("day")) object.text("day", row.day);
  if (query.tells("account")) object.text("account", row.account);
  if (query.tells("key")) object.text("key", row.api_key);
  if (query.tells("model")) object.text("model", row.model);
  object.number("requests", row.requests);
  write_tokens(object, row.tokens);
  return object.text("currency", row.currency).text("cost", row.cost.exact()).close();
}

std::string write(const FinishedRequest& request) {
  JsonObject object;
  object.text("id", request.id).number("at", request.at).text("account", request.account).text("key", request.api_key);
  object.text("model", request.model).text("surface", request.surface);
  write_tokens(object, request.tokens);
  object.number("reasoning_tokens", request.reasoning).text("currency", request.currency);
  object.text("cost", request.cost.exact()).text("finish", request.finish);
  return object.number("milliseconds", request.milliseconds).close();
}

std::int64_t count_of(const HttpRequest& request) {
  const std::string text = query_value(request.target, "count");
  if (text.empty()) return kFewRows;
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > kMostRows)
    throw InputError("[admin] count is {}, expected a number from 1 to {}", text, kMostRows);
  return count;
}

UsageQuery query_of(const HttpRequest& request, std::int64_t now) {
  const auto value = [&](std::string_view name) { return query_value(request.target, name); };
  UsageQuery query = UsageQuery::read(value("from"), value("to"), value("by"), now);
  query.account = value("account");
  query.api_key = value("key");
  query.model = value("model");
  return query;
}

HttpResponse usage(Ledger& ledger, const HttpRequest& request, const UsageQuery& query) {
  std::vector<UsageRow> rows;
  ledger.with([&](Database& database) { rows = read_usage(database, query); });
  if (query_value(request.target, "format") == "csv")
    return {.status = 200, .headers = {{"content-type", "text/csv; charset=utf-8"}}, .body = usage_csv(query, rows)};
  JsonArray array;
  for (const UsageRow& row : rows) array.add(write(query, row));
  return json(list("usage", array));
}

HttpResponse read_ledger(Ledger& ledger, const HttpRequest& request, std::string_view path, std::int64_t now) {
  if (path == "usage") return usage(ledger, request, query_of(request, now));
  JsonArray rows;
  const auto fill = [&](const auto& read, const auto& written) {
    ledger.with([&](Database& database) {
      for (const auto& row : read(database)) rows.add(written(row));
    });
    return json(list(path, rows));
  };
  if (path == "accounts")
    return fill([](Database& from) { return list_accounts(from); }, [](const Account& row) { return write(row); });
  if (path == "keys")
    return fill([&](Database& from) { return list_keys(from, query_value(request.target, "account")); },
                [](const ApiKey& row) { return write(row).close(); });
  if (path == "requests")
    return fill([&](Database& from) { return read_requests(from, query_of(request, now), count_of(request)); },
                [](const FinishedRequest& row) { return write(row); });
  if (path == "audit")
    return fill([&](Database& from) { return read_audit(from, count_of(request)); },
                [](const AuditEntry& row) {
                  return JsonObject()
                      .number("at", row.at)
                      .text("actor", row.actor)
                      .text("act", row.act)
                      .text("subject", row.subject)
                      .text("detail", row.detail)
                      .close();
                });
  throw api::nothing_there(request.path());
}

std::string make_account(Ledger& ledger, const Body& body, const Actor& actor) {
  body.allow({"name", "currency", "prepaid", "in_flight", "tokens_per_minute", "tokens_per_day", "context_tokens"});
  const Account wanted{.name = body.text("name"),
                       .currency = body.text("currency", "USD"),
                       .prepaid = body.truth("prepaid"),
                       .limits = body.limits()};
  if (!ledger.can_charge(wanted.currency))
    throw InputError("[admin] there is no price card in {}, expected one of {}", wanted.currency,
                     fmt::join(ledger.currencies(), ", "));
  std::string made;
  ledger.with([&](Database& database) {
    create_account(database, actor, wanted);
    made = write(find_account(database, wanted.name).value());
  });
  return made;
}

std::string make_key(Ledger& ledger, const Body& body, const Actor& actor) {
  body.allow({"account", "label", "models", "surfaces", "admin", "expires", "in_flight", "tokens_per_minute",
              "tokens_per_day", "context_tokens"});
  const ApiKey wanted{.account = body.text("account"),
                      .label = body.text("label"),
                      .models = body.texts("models"),
                      .surfaces = body.texts("surfaces"),
                      .admin = body.truth("admin"),
                      .expires = body.number("expires"),
                      .limits = body.limits()};
  std::string made;
  ledger.with([&](Database& database) {
    const NewKey key = create_key(database, actor, wanted);
    made = write(key.key).text("key", key.text).close();
  });
  return made;
}

// accounts/NAME/ACT or keys/ID/ACT.
std::string change(Ledger& ledger, const HttpRequest& request, std::string_view path, const Actor& actor) {
  const Body body(request.body);
  const std::size_t first = std::min(path.find('/'), path.size());
  const std::size_t last = path.rfind('/');
  if (last == std::string_view::npos || last <= first) throw api::nothing_there(request.path());
  const std::string_view kind = path.substr(0, first);
  const std::string name(path.substr(first + 1, last - first - 1));
  const std::string act = fmt::format("{}/{}", kind, path.substr(last + 1));
  std::string changed = JsonObject().text("object", act).text("subject", name).close();
  ledger.with([&](Database& database) {
    if (act == "accounts/credit") {
      body.allow({"granted", "topped_up"});
      changed = write(credit_account(database, actor, name,
                                     {.granted = Money::parse(body.text("granted", "0"), "granted"),
                                      .topped_up = Money::parse(body.text("topped_up", "0"), "topped_up")}));
    } else if (act == "accounts/limits") {
      body.allow({"in_flight", "tokens_per_minute", "tokens_per_day", "context_tokens"});
      set_account_limits(database, actor, name, body.limits());
    } else if (act == "accounts/close") {
      close_account(database, actor, name);
    } else if (act == "keys/revoke") {
      revoke_key(database, actor, name);
    } else if (act == "keys/limits") {
      body.allow({"in_flight", "tokens_per_minute", "tokens_per_day", "context_tokens"});
      set_key_limits(database, actor, name, body.limits());
    } else {
      throw api::nothing_there(request.path());
    }
  });
  return changed;
}

}  // namespace

HttpResponse administer(Ledger& ledger, const HttpRequest& request, std::string_view path, const Actor& actor) {
  if (request.method != "POST") return read_ledger(ledger, request, path, actor.now);
  if (path == "accounts") return json(make_account(ledger, Body(request.body), actor));
  if (path == "keys") return json(make_key(ledger, Body(request.body), actor));
  return json(change(ledger, request, path, actor));
}

HttpResponse own_usage(Ledger& ledger, const HttpRequest& request, const std::string& account, std::int64_t now) {
  UsageQuery query = query_of(request, now);
  query.account = account;  // whatever was asked for
  return usage(ledger, request, query);
}

std::string balance_of(const Account& account) {
  constexpr std::int64_t kCent = Money::kParts / 100;
  const auto cents = [](Money money) {
    return static_cast<std::int64_t>((money.parts() - (money < Money() ? kCent - 1 : 0)) / kCent);
  };
  return api::balance_body({.currency = account.currency,
                            .granted_cents = cents(account.granted),
                            .topped_up_cents = cents(account.topped_up),
                            .available = account.may_spend()});
}

}  // namespace fathom::server
