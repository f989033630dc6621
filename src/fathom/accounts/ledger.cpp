#include "fathom/accounts/ledger.h"

#include <chrono>
#include <future>

#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

std::map<std::string, PriceCard, std::less<>> cards_of(const std::vector<std::string>& names) {
  std::map<std::string, PriceCard, std::less<>> cards;
  for (const std::string& name : names) {
    PriceCard card = PriceCard::load(name);
    const std::string currency = card.currency();
    if (!cards.emplace(currency, std::move(card)).second)
      throw InputError("[price card] {} is a second one in {}, expected one a currency", name, currency);
  }
  return cards;
}

}  // namespace

// Of the file that a link leads to; whether there can be one is open_database()'s to say.
std::filesystem::path ledger_folder(const std::string& where) {
  if (is_postgres(where)) return {};
  std::error_code unknown;
  return std::filesystem::weakly_canonical(std::filesystem::absolute(where), unknown).parent_path();
}

Ledger::Ledger(const LedgerConfig& config)
    : cards_(cards_of(config.price_cards)),
      folder_(ledger_folder(config.where)),
      database_(open_database(config.where)),
      reader_(open_database(config.where)),
      heartbeat_(config.patience),
      writer_(open_database(config.where)) {}

void Ledger::look_up(std::string digest, std::int64_t now, std::function<void(std::exception_ptr fault, Access)> done) {
  const auto access = std::make_shared<Access>();
  reader_.read(
      [access, digest = std::move(digest), now](Database& from) { *access = find_access(from, digest, now); },
      [access, done = std::move(done)](std::exception_ptr fault) { done(std::move(fault), std::move(*access)); });
}

void Ledger::record(FinishedRequest request, JobDone done) {
  if (const PriceCard* found = card(request.currency))
    request.cost = found->cost(request.model, request.at, request.tokens);
  writer_.write([request = std::move(request)](Database& to) { record_request(to, request); }, std::move(done));
}

// That a write went well a moment ago says little of a disk that is nearly full.
bool Ledger::short_of_room() const {
  constexpr std::uintmax_t kRoom = std::uintmax_t{64} << 20;
  std::error_code unknown;
  const auto space = folder_.empty() ? std::filesystem::space_info{.capacity = 0, .free = 0, .available = kRoom}
                                     : std::filesystem::space(folder_, unknown);
  return !unknown && space.available < kRoom;
}

void Ledger::when_writable(JobDone done) {
  constexpr std::chrono::seconds kMoment{1};
  if (!short_of_room() && writer_.wrote_within(kMoment)) return done(nullptr);
  if (!heartbeat_.join(std::move(done))) return;
  // Committed, as only that needs room on the disk; and another value, as SQLite does not write the same one again.
  const auto beat = [](Database& to) {
    to.lock_sums();  // as whoever records a request beside it in another server's transaction
    to.run("UPDATE heartbeat SET beats = beats + 1");
  };
  writer_.write(beat, [this](const std::exception_ptr& fault) { heartbeat_.over(fault); });
}

void Ledger::with(const DatabaseJob& job) {
  const std::scoped_lock lock(mutex_);
  job(*database_);
}

void Ledger::flush() {
  std::promise<void> read;
  reader_.read([](Database&) {}, [&](const std::exception_ptr&) { read.set_value(); });
  read.get_future().wait();
  std::promise<void> written;
  writer_.write([](Database&) {}, [&](const std::exception_ptr&) { written.set_value(); });
  written.get_future().wait();
  heartbeat_.flush();
}

const PriceCard* Ledger::card(std::string_view currency) const {
  const auto found = cards_.find(currency);
  return found == cards_.end() ? nullptr : &found->second;
}

std::vector<std::string> Ledger::currencies() const {
  std::vector<std::string> all;
  for (const auto& [currency, card] : cards_) all.push_back(currency);
  return all;
}

}  // namespace fathom::accounts
