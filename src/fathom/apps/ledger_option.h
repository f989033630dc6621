// Where the ledger of this machine's user lies, and who acts on it from the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

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
struct CommandName {
  const char* name;
  const char* help;
};
// A command of `parent` whose options name a ledger. It keeps the name apart until it runs: the environment is read for
// commands that were not given, too, and would have the last word.
template <class Options>
CLI::App* add_ledger_command(CLI::App& parent, const CommandName& name, const std::shared_ptr<Options>& options,
                             void (*run)(const Options&)) {
  CLI::App* command = parent.add_subcommand(name.name, name.help);
  const auto ledger = std::make_shared<std::string>();
  add_ledger_option(*command, *ledger);
  command->callback([options, ledger, run] {
    options->ledger = *ledger;
    run(*options);
  });
  return command;
}
// InputError when there is none.
std::unique_ptr<accounts::Database> open_ledger(const std::string& given);
// --in-flight, --tokens-per-minute, --tokens-per-day, --context-tokens
void add_limit_options(CLI::App& command, accounts::Limits& limits);

// --price-cards, or FATHOM_PRICE_CARDS: as serve is given them.
void add_price_cards_option(CLI::App& command, std::vector<std::string>& cards);
// The first card's: that of new accounts where nobody says another.
std::string first_currency(const std::vector<std::string>& cards);
// InputError for a currency that none of them is in: what is asked in it could not be charged. No cards: no prices.
void check_currency(const std::string& currency, const std::vector<std::string>& cards);

// This system's user, now.
accounts::Actor command_actor();

}  // namespace fathom
