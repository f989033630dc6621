#include "fathom/accounts/account_book.h"

#include <algorithm>

#include "fathom/accounts/price_presets.h"
#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

constexpr std::size_t kNameLength = 64;
constexpr std::string_view kColumns =
    "name, currency, prepaid, granted, topped_up, created, closed, in_flight, tokens_per_minute, tokens_per_day, "
    "context_tokens";

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kNameLength && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || c == '.' || c == '_' || c == '-'; });
}

Account account_of(const Row& row) {
  return {.name = row.text(0),
          .currency = row.text(1),
          .prepaid = row.number(2) != 0,
          .granted = Money::of_parts(row.number(3)),
          .topped_up = Money::of_parts(row.number(4)),
          .created = row.number(5),
          .closed = row.number(6),
          .limits = {.in_flight = row.number(7),
                     .tokens_per_minute = row.number(8),
                     .tokens_per_day = row.number(9),
                     .context_tokens = row.number(10)}};
}

Account open_account(Database& database, const std::string& name) {
  const auto found = find_account(database, name);
  if (!found) throw InputError("[accounts] there is no account {}", name);
  if (found->closed != 0) throw InputError("[accounts] account {} is closed", name);
  return *found;
}

}  // namespace

void check_limits(const Limits& limits) {
  for (const std::int64_t limit :
       {limits.in_flight, limits.tokens_per_minute, limits.tokens_per_day, limits.context_tokens})
    if (limit < 0) throw InputError("[accounts] a limit is {}, expected 0 for none or more", limit);
}

std::string write_limits(const Limits& limits) {
  std::string text;
  const auto add = [&](std::string_view name, std::int64_t limit) {
    if (limit > 0) text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, limit);
  };
  add("in_flight", limits.in_flight);
  add("tokens_per_minute", limits.tokens_per_minute);
  add("tokens_per_day", limits.tokens_per_day);
  add("context_tokens", limits.context_tokens);
  return text.empty() ? "none" : text;
}

void create_account(Database& database, const Actor& actor, const Account& account) {
  if (!is_name(account.name) || account.name == kNobody)
    throw InputError(
        "[accounts] an account cannot be named \"{}\": expected up to {} of a-z, 0-9, dot, dash and "
        "underscore, and not {}",
        account.name, kNameLength, kNobody);
  if (!is_currency(account.currency))
    throw InputError("[accounts] currency is {}, expected three capitals such as USD", account.currency);
  check_limits(account.limits);
  Transaction transaction(database);
  if (find_account(database, account.name)) throw InputError("[accounts] there is an account {} already", account.name);
  database.run(fmt::format("INSERT INTO account ({}) VALUES ($1, $2, $3, 0, 0, $4, 0, $5, $6, $7, $8)", kColumns),
               {account.name, account.currency, std::int64_t{account.prepaid}, actor.now, account.limits.in_flight,
                account.limits.tokens_per_minute, account.limits.tokens_per_day, account.limits.context_tokens});
  write_audit(database, actor, "create account", account.name,
              fmt::format("currency={} prepaid={} limits: {}", account.currency, account.prepaid ? 1 : 0,
                          write_limits(account.limits)));
  transaction.commit();
}

void set_account_limits(Database& database, const Actor& actor, const std::string& name, const Limits& limits) {
  check_limits(limits);
  Transaction transaction(database);
  open_account(database, name);
  database.run(
      "UPDATE account SET in_flight = $2, tokens_per_minute = $3, tokens_per_day = $4, context_tokens = $5 "
      "WHERE name = $1",
      {name, limits.in_flight, limits.tokens_per_minute, limits.tokens_per_day, limits.context_tokens});
  write_audit(database, actor, "set account limits", name, write_limits(limits));
  transaction.commit();
}

Account credit_account(Database& database, const Actor& actor, const std::string& name, const Credit& credit) {
  Transaction transaction(database);
  Account account = open_account(database, name);
  account.granted += credit.granted;
  account.topped_up += credit.topped_up;
  account.prepaid = true;
  const Money most = Money::parse("9000000", "accounts");  // a column holds a little more (money.h)
  if (account.granted < Money())
    throw InputError("[accounts] {} has {} left of what was granted, {} cannot be taken back", name,
                     (account.granted - credit.granted).exact(), (-credit.granted).exact());
  if (account.granted > most || account.topped_up > most || account.topped_up < -most)
    throw InputError("[accounts] {} would have a balance of {}, expected at most {}", name, account.total().exact(),
                     most.exact());
  // What others spend meanwhile is not undone.
  database.run("UPDATE account SET granted = granted + $2, topped_up = topped_up + $3, prepaid = 1 WHERE name = $1",
               {name, credit.granted.column(), credit.topped_up.column()});
  write_audit(
      database, actor, "credit account", name,
      fmt::format("granted={} topped_up={} {}", credit.granted.exact(), credit.topped_up.exact(), account.currency));
  transaction.commit();
  return account;
}

void set_prepaid(Database& database, const Actor& actor, const std::string& name, bool prepaid) {
  Transaction transaction(database);
  open_account(database, name);
  database.run("UPDATE account SET prepaid = $2 WHERE name = $1", {name, std::int64_t{prepaid}});
  write_audit(database, actor, "set account prepaid", name, prepaid ? "1" : "0");
  transaction.commit();
}

void close_account(Database& database, const Actor& actor, const std::string& name) {
  Transaction transaction(database);
  open_account(database, name);
  database.run("UPDATE account SET closed = $2 WHERE name = $1", {name, actor.now});
  write_audit(database, actor, "close account", name, "");
  transaction.commit();
}

std::optional<Account> find_account(Database& database, const std::string& name) {
  const auto rows = database.run(fmt::format("SELECT {} FROM account WHERE name = $1", kColumns), {name});
  if (rows.empty()) return std::nullopt;
  return account_of(rows.front());
}

std::vector<Account> list_accounts(Database& database) {
  std::vector<Account> accounts;
  for (const Row& row : database.run(fmt::format("SELECT {} FROM account ORDER BY name", kColumns)))
    accounts.push_back(account_of(row));
  return accounts;
}

// One statement: two servers on one ledger spend nothing twice.
void spend(Database& database, const std::string& name, Money cost) {
  if (cost == Money()) return;
  database.run(
      "UPDATE account SET granted = CASE WHEN granted >= $2 THEN granted - $2 ELSE 0 END, "
      "topped_up = CASE WHEN granted >= $2 THEN topped_up ELSE topped_up - ($2 - granted) END "
      "WHERE name = $1 AND prepaid = 1",
      {name, cost.column()});
}

}  // namespace fathom::accounts
