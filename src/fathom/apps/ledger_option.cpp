#include "fathom/apps/ledger_option.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "fathom/accounts/ledger.h"
#include "fathom/base/error.h"

namespace fathom {

std::string ledger_place(const std::string& given) {
  if (given != kDefaultLedger) return given;
  constexpr std::string_view kFile = "/fathom/ledger.sqlite";
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (const std::string data = variable("XDG_DATA_HOME"); !data.empty()) return data + std::string(kFile);
  const std::string home = variable("HOME");
  return home.empty() ? "" : home + "/.local/share" + std::string(kFile);
}

void add_ledger_option(CLI::App& command, std::string& ledger) {
  ledger = kDefaultLedger;
  command
      .add_option("--ledger", ledger, "file of SQLite, or postgresql://USER@HOST/NAME; the same that serve is given")
      ->envname("FATHOM_LEDGER")
      ->default_str(ledger_place(ledger));
}

std::unique_ptr<accounts::Database> open_ledger(const std::string& given) {
  const std::string place = ledger_place(given);
  if (place.empty() || place == kNoLedger)
    throw InputError("[ledger] there is none: say --ledger FILE, or set HOME or XDG_DATA_HOME");
  return accounts::open_database(place);
}

void add_limit_options(CLI::App& command, accounts::Limits& limits) {
  command.add_option("--in-flight", limits.in_flight, "requests at a time; 0: no limit, as for all of these");
  command.add_option("--tokens-per-minute", limits.tokens_per_minute, "of prompts and answers");
  command.add_option("--tokens-per-day", limits.tokens_per_day, "of prompts and answers; days are UTC's");
  command.add_option("--context-tokens", limits.context_tokens, "of one prompt and its answer together");
}

void add_price_cards_option(CLI::App& command, std::vector<std::string>& cards) {
  cards = accounts::LedgerConfig().price_cards;
  command.add_option("--price-cards", cards, "one a currency, the same that serve is given")
      ->envname("FATHOM_PRICE_CARDS")
      ->delimiter(',')
      ->default_str(fmt::format("{}", fmt::join(cards, ",")));
}

std::string first_currency(const std::vector<std::string>& cards) {
  for (const std::string& name : cards)
    if (!name.empty()) return accounts::PriceCard::load(name).currency();
  return accounts::Account().currency;
}

void check_currency(const std::string& currency, const std::vector<std::string>& cards) {
  std::vector<std::string> known;
  for (const std::string& name : cards)
    if (!name.empty()) known.push_back(accounts::PriceCard::load(name).currency());
  if (known.empty() || std::find(known.begin(), known.end(), currency) != known.end()) return;
  throw InputError("[accounts] there is no price card in {}, expected one of {} (--price-cards)", currency,
                   fmt::join(known, ", "));
}

accounts::Actor command_actor() {
  const passwd* user = ::getpwuid(::getuid());
  return {.name = user == nullptr ? fmt::format("command {}", ::getuid()) : fmt::format("command {}", user->pw_name),
          .now = std::int64_t{std::time(nullptr)}};
}

}  // namespace fathom
