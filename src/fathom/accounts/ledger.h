// The ledger as a server holds it: who may ask, what was used, what is left. Any thread; nothing here waits for the
// database but with() and flush().
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/accounts/access.h"
#include "fathom/accounts/heartbeat.h"
#include "fathom/accounts/price_card.h"
#include "fathom/accounts/request_book.h"
#include "fathom/accounts/writer.h"

namespace fathom::accounts {

struct LedgerConfig {
  std::string where;                                                    // open_database()
  std::vector<std::string> price_cards = {"hosted-usd", "hosted-cny"};  // PriceCard::load(), one a currency
  std::chrono::milliseconds patience = std::chrono::seconds(5);         // of who asks whether it can be written
};

// Where the disk is that must have room for it; empty: the database is elsewhere.
std::filesystem::path ledger_folder(const std::string& where);

class Ledger {
 public:
  // InputError when it cannot be opened or a card cannot be read.
  explicit Ledger(const LedgerConfig& config);
  // Writes what is queued.
  ~Ledger() = default;

  // On the reader's thread, once.
  void look_up(std::string digest, std::int64_t now, std::function<void(std::exception_ptr fault, Access)> done);
  // `request` without its cost: that is what the card of its currency says. Heard of when it is on disk.
  void record(FinishedRequest request, JobDone done);
  // Before work begins that would be lost if it could not be recorded. Heard of at once where something was written a
  // moment ago and the disk has room, else when a write is on disk, or failed: a full disk, a file that is read alone,
  // a database that keeps it waiting longer than a request's patience.
  void when_writable(JobDone done);
  // On this thread, by turns with others: for administration.
  void with(const DatabaseJob& job);
  // Until all that was asked so far is done, and heard of.
  void flush();

  // Null: there is none in that currency.
  const PriceCard* card(std::string_view currency) const;
  std::vector<std::string> currencies() const;
  // Whether what is asked in that currency has a price; always where there are no cards at all, and nothing has one.
  bool can_charge(std::string_view currency) const { return cards_.empty() || card(currency) != nullptr; }

 private:
  bool short_of_room() const;

  std::map<std::string, PriceCard, std::less<>> cards_;
  std::filesystem::path folder_;
  std::mutex mutex_;
  std::unique_ptr<Database> database_;
  Reader reader_;
  Heartbeat heartbeat_;  // ends after the writer, which tells it of its last write
  Writer writer_;
};

}  // namespace fathom::accounts
