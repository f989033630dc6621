// Accounts: who pays, and what is left. A name is an account's for good: accounts are closed, never removed, so that
// nobody inherits another's usage, conversations or cache.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/accounts/audit_log.h"
#include "fathom/accounts/database.h"
#include "fathom/accounts/limits.h"
#include "fathom/accounts/money.h"

namespace fathom::accounts {

// Of requests to a server that has no keys yet.
inline constexpr std::string_view kNobody = "local";

struct Account {
  std::string name = {};  // [a-z0-9][a-z0-9._-]{0,63}
  std::string currency = "USD";
  bool prepaid = false;  // refused when nothing is left; else usage is only counted
  Money granted = {};    // a gift, spent first; never below zero
  Money topped_up = {};  // below zero where an answer ran beyond it
  std::int64_t created = 0;
  std::int64_t closed = 0;  // 0: open
  Limits limits = {};

  Money total() const { return granted + topped_up; }
  bool may_spend() const { return !prepaid || total() > Money(); }
};

struct Credit {
  Money granted = {};
  Money topped_up = {};  // both may be below zero: taken back
};

// All of them write the audit log. InputError names what cannot be.
void create_account(Database& database, const Actor& actor, const Account& account);
void set_account_limits(Database& database, const Actor& actor, const std::string& name, const Limits& limits);
// The account lives on its balance from then on. No gift may be taken back beyond what is left of it.
Account credit_account(Database& database, const Actor& actor, const std::string& name, const Credit& credit);
void set_prepaid(Database& database, const Actor& actor, const std::string& name, bool prepaid);
// Its keys no longer open anything.
void close_account(Database& database, const Actor& actor, const std::string& name);

std::optional<Account> find_account(Database& database, const std::string& name);
std::vector<Account> list_accounts(Database& database);
// Of a finished request: the gift first. Nothing for accounts that are not prepaid.
void spend(Database& database, const std::string& name, Money cost);

// Both for keys too. InputError for a limit below zero.
void check_limits(const Limits& limits);
std::string write_limits(const Limits& limits);

}  // namespace fathom::accounts
