// What a million tokens cost, as data: rows by model and the moment from which they hold, in one currency.
//
//   currency = "USD"
//   [peak]                                   # in UTC; may be missing
//   days = ["mon", "tue"]
//   hours = ["01:00-04:00", "22:00-24:00"]
//   [[price]]
//   model = "deepseek-v4-flash"
//   from = 2026-04-24T00:00:00Z
//   hit = "0.028"      # of the prompt, found in the cache; at most six decimals
//   miss = "0.14"      # of the prompt, read
//   output = "0.28"
//   peak = 2           # how many times as much in peak hours; 1 if missing
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fathom/accounts/money.h"

namespace fathom::accounts {

struct TokenCounts {
  std::int64_t hit = 0;     // of the prompt, found in the cache
  std::int64_t miss = 0;    // of the prompt, read
  std::int64_t output = 0;  // reasoning included
};

struct Price {
  std::string model = {};
  std::int64_t from = 0;  // seconds since 1970
  Money hit = {};         // of a million tokens, like the other two
  Money miss = {};
  Money output = {};
  std::int64_t peak = 1;  // factor
};

class PriceCard {
 public:
  // InputError names the place and the line.
  static PriceCard parse(std::string_view toml, std::string_view place);
  // NAME of a preset or a file's path; NAME@2026-04-24 is that day's prices for good.
  static PriceCard load(const std::string& name);

  const std::string& currency() const { return currency_; }
  bool knows(std::string_view model) const;
  bool is_peak(std::int64_t seconds) const;
  // The row that holds at that moment; null: none does yet, or the card does not know the model.
  const Price* price_at(std::string_view model, std::int64_t seconds) const;
  // Exact; nothing where there is no price. `seconds`: when the request came.
  Money cost(std::string_view model, std::int64_t seconds, const TokenCounts& tokens) const;
  // That moment's rows, from the beginning of time.
  PriceCard pinned(std::int64_t seconds) const;

 private:
  std::string currency_ = {};
  std::vector<Price> prices_;                                      // by moment
  std::array<bool, 7> peak_days_{};                                // from Sunday
  std::vector<std::pair<std::int64_t, std::int64_t>> peak_hours_;  // seconds of the day, [begin, end)
};

}  // namespace fathom::accounts
