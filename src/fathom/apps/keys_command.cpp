// fathom keys: who may ask.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "fathom/accounts/calendar.h"
#include "fathom/accounts/key_book.h"
#include "fathom/apps/commands.h"
#include "fathom/apps/ledger_option.h"
#include "fathom/apps/table_print.h"
#include "fathom/base/error.h"

namespace fathom {
namespace {

using namespace accounts;

struct KeysOptions {
  std::string ledger;
  ApiKey key;
  std::string id;
  std::string until;
  std::vector<std::string> price_cards;
};

// The key alone goes to standard output, so that a script can take it.
void create(const KeysOptions& options) {
  const auto database = open_ledger(options.ledger);
  const Actor actor = command_actor();
  ApiKey wanted = options.key;
  if (!options.until.empty()) wanted.expires = parse_day(options.until, "keys");
  if (!find_account(*database, wanted.account)) {
    create_account(*database, actor, {.name = wanted.account, .currency = first_currency(options.price_cards)});
    fmt::print(stderr, "account {} is new: its usage is counted, without a balance (fathom accounts credit)\n",
               wanted.account);
  }
  const NewKey made = create_key(*database, actor, wanted);
  fmt::print("{}\n", made.text);
  std::fflush(stdout);
  fmt::print(stderr, "key {} of {}: it is shown this once, and opens from now on\n", made.key.id, made.key.account);
}

std::string state_of(const ApiKey& key, std::int64_t now) {
  if (key.revoked != 0) return "revoked " + write_moment(key.revoked);
  if (key.expires == 0) return "open";
  return (key.holds(now) ? "until " : "expired ") + write_moment(key.expires);
}

std::string scope_of(const ApiKey& key) {
  std::string scope = key.admin ? "admin" : "";
  const auto add = [&](const std::vector<std::string>& words) {
    if (!words.empty()) scope += fmt::format("{}{}", scope.empty() ? "" : " ", fmt::join(words, ","));
  };
  add(key.models);
  add(key.surfaces);
  return scope.empty() ? "all" : scope;
}

void list(const KeysOptions& options) {
  const auto database = open_ledger(options.ledger);
  const std::int64_t now = command_actor().now;
  std::vector<std::vector<std::string>> rows = {
      {"id", "account", "ends in", "for", "scope", "limits", "created", "state"}};
  for (const ApiKey& key : list_keys(*database, options.key.account))
    rows.push_back({key.id, key.account, key.tail, key.label, scope_of(key), write_limits(key.limits),
                    write_moment(key.created), state_of(key, now)});
  fmt::print("{}", table_text(rows));
}

void revoke(const KeysOptions& options) {
  revoke_key(*open_ledger(options.ledger), command_actor(), options.id);
  fmt::print("key {} is revoked\n", options.id);
}

void limit(const KeysOptions& options) {
  set_key_limits(*open_ledger(options.ledger), command_actor(), options.id, options.key.limits);
  fmt::print("key {} is limited to: {}\n", options.id, write_limits(options.key.limits));
}

}  // namespace

void add_keys_command(CLI::App& program) {
  CLI::App* keys = program.add_subcommand("keys", "make, list and revoke API keys");
  keys->require_subcommand(1);
  keys->footer(
      R"(A key opens a running server at once, and stops opening it at once. As soon as there is a first key, whoever has
none is refused.

  fathom keys create ada --label laptop
  fathom keys create ada --admin --expires 2027-01-01
  fathom keys create guests --model deepseek-v4-flash --surface chat --tokens-per-day 100000
  fathom keys list ; fathom keys revoke 4f1c0a2b9d3e5f60)");
  const auto options = std::make_shared<KeysOptions>();
  const auto add = [&](const char* name, const char* help, void (*run)(const KeysOptions&)) {
    return add_ledger_command(*keys, {name, help}, options, run);
  };
  CLI::App* create_one = add("create", "make a key; it is shown once, on standard output", create);
  create_one->add_option("account", options->key.account, "whose; it is made where there is none of that name")
      ->required();
  add_price_cards_option(*create_one, options->price_cards);
  create_one->add_option("--label", options->key.label, "what it is for");
  create_one->add_option("--model", options->key.models, "that it may ask; all where none is named");
  create_one->add_option("--surface", options->key.surfaces,
                         "chat, completions, anthropic, responses; all where none is named");
  create_one->add_flag("--admin", options->key.admin, "it may also administer: /admin, /metrics");
  create_one->add_option("--expires", options->until, "day from whose beginning it opens nothing, such as 2027-01-01");
  add_limit_options(*create_one, options->key.limits);
  add("list", "list keys, without what opens", list)->add_option("account", options->key.account, "of one account");
  add("revoke", "a key opens nothing from now on", revoke)->add_option("id", options->id, "from keys list")->required();
  CLI::App* limits = add("limit", "set all limits of a key; those not named go", limit);
  limits->add_option("id", options->id, "from keys list")->required();
  add_limit_options(*limits, options->key.limits);
}

}  // namespace fathom
