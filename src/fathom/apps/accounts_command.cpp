// fathom accounts: who pays.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "fathom/accounts/account_book.h"
#include "fathom/accounts/calendar.h"
#include "fathom/apps/commands.h"
#include "fathom/apps/ledger_option.h"
#include "fathom/apps/table_print.h"

namespace fathom {
namespace {

using namespace accounts;

struct AccountsOptions {
  std::string ledger;
  Account account;
  std::string granted = "0";
  std::string topped_up = "0";
  bool prepaid = true;
  std::int64_t count = 50;
  std::vector<std::string> price_cards;
};

void create(const AccountsOptions& options) {
  check_currency(options.account.currency, options.price_cards);
  create_account(*open_ledger(options.ledger), command_actor(), options.account);
  fmt::print("account {} is made\n", options.account.name);
}

void list(const AccountsOptions& options) {
  std::vector<std::vector<std::string>> rows = {
      {"account", "currency", "granted>", "topped up>", "limits", "created", "state"}};
  for (const Account& account : list_accounts(*open_ledger(options.ledger)))
    rows.push_back({account.name, account.currency, account.prepaid ? account.granted.cents() : "-",
                    account.prepaid ? account.topped_up.cents() : "-", write_limits(account.limits),
                    write_moment(account.created),
                    account.closed != 0   ? "closed " + write_moment(account.closed)
                    : account.may_spend() ? "open"
                                          : "nothing left"});
  fmt::print("{}", table_text(rows));
}

void credit(const AccountsOptions& options) {
  const Account account = credit_account(*open_ledger(options.ledger), command_actor(), options.account.name,
                                         {.granted = Money::parse(options.granted, "--granted"),
                                          .topped_up = Money::parse(options.topped_up, "--topped-up")});
  fmt::print("account {} has {} {}: {} granted, {} topped up\n", account.name, account.total().exact(),
             account.currency, account.granted.exact(), account.topped_up.exact());
}

void limit(const AccountsOptions& options) {
  set_account_limits(*open_ledger(options.ledger), command_actor(), options.account.name, options.account.limits);
  fmt::print("account {} is limited to: {}\n", options.account.name, write_limits(options.account.limits));
}

void prepay(const AccountsOptions& options) {
  set_prepaid(*open_ledger(options.ledger), command_actor(), options.account.name, options.prepaid);
  fmt::print("account {} is {}\n", options.account.name,
             options.prepaid ? "refused when nothing is left" : "counted, and never refused for its balance");
}

void close(const AccountsOptions& options) {
  close_account(*open_ledger(options.ledger), command_actor(), options.account.name);
  fmt::print("account {} is closed: its keys open nothing, its usage stays\n", options.account.name);
}

void audit(const AccountsOptions& options) {
  std::vector<std::vector<std::string>> rows = {{"when", "who", "what", "whom", "how"}};
  for (const AuditEntry& entry : read_audit(*open_ledger(options.ledger), options.count))
    rows.push_back({write_moment(entry.at), entry.actor, entry.act, entry.subject, entry.detail});
  fmt::print("{}", table_text(rows));
}

}  // namespace

void add_accounts_command(CLI::App& program) {
  CLI::App* accounts = program.add_subcommand("accounts", "balances and limits of those who have keys");
  accounts->require_subcommand(1);
  accounts->footer(
      R"(An account's usage is counted. One that was ever credited lives on its balance: what was granted is spent first, and
when nothing is left its requests are refused with 402. Amounts are exact, in the account's currency.

  fathom accounts create ada --currency USD --in-flight 8
  fathom accounts credit ada --granted 5 --topped-up 20
  fathom accounts list ; fathom accounts audit)");
  const auto options = std::make_shared<AccountsOptions>();
  const auto add = [&](const char* name, const char* help, void (*run)(const AccountsOptions&)) {
    return add_ledger_command(*accounts, {name, help}, options, run);
  };
  const auto add_named = [&](const char* name, const char* help, void (*run)(const AccountsOptions&)) {
    CLI::App* command = add(name, help, run);
    command->add_option("name", options->account.name, "the account's")->required();
    return command;
  };
  CLI::App* create_one = add_named("create", "make an account; names are for good", create);
  create_one->add_option("--currency", options->account.currency, "what it is charged in")->capture_default_str();
  add_price_cards_option(*create_one, options->price_cards);
  create_one->add_flag("--prepaid", options->account.prepaid, "refused while its balance is not above zero");
  add_limit_options(*create_one, options->account.limits);
  add("list", "list accounts with what is left", list);
  CLI::App* credit_one = add_named("credit", "add to a balance, or take back with a minus", credit);
  credit_one->add_option("--granted", options->granted, "a gift; it is spent first");
  credit_one->add_option("--topped-up", options->topped_up, "what was paid in");
  add_limit_options(*add_named("limit", "set all limits of an account; those not named go", limit),
                    options->account.limits);
  add_named("prepaid", "whether an empty balance refuses", prepay)
      ->add_option("yes-or-no", options->prepaid, "true or false")
      ->required();
  add_named("close", "its keys open nothing from now on", close);
  add("audit", "who changed what, the newest first", audit)
      ->add_option("--count", options->count, "so many")
      ->capture_default_str();
}

}  // namespace fathom
