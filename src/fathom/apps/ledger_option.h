// Where the ledger of this machine's user lies, and who acts on it from the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "fathom/accounts/audit_log.h"
#include "fathom/accounts/database.h"
#include "fathom/accounts/limits.h"

namespace fathom {

inline constexpr std::string_view kDefaultLedger = "default";
inline constexpr std::string_view kNoLedger = "none";

// "default" is $XDG_DATA_HOME/fathom/ledger.sqlite, or ~/.local/share/fathom/ledger.sqlite; the rest is as it is.
// Empty: neither variable says where.
std::string ledger_place(const std::string& given);

// --ledger, or FATHOM_LEDGER.
void add_ledger_option(CLI::App& command, std::string& ledger);
// InputError when there is none.
std::unique_ptr<accounts::Database> open_ledger(const std::string& given);
// --in-flight, --tokens-per-minute, --tokens-per-day, --context-tokens
void add_limit_options(CLI::App& command, accounts::Limits& limits);

// This system's user, now.
accounts::Actor command_actor();

}  // namespace fathom
