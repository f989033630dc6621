// Finished requests: a row each, the sums (kept_sums.h), and the account's balance, in one transaction. Figures alone,
// never texts.
#pragma once

#include <cstdint>
#include <string>

#include "fathom/accounts/database.h"
#include "fathom/accounts/money.h"
#include "fathom/accounts/price_card.h"

namespace fathom::accounts {

struct FinishedRequest {
  std::string id = {};       // the answer's trace id
  std::int64_t at = 0;       // when it came, seconds since 1970: its day and its price
  std::string account = {};  // kNobody without a key
  std::string api_key = {};  // id; empty without one
  std::string model = {};    // as served
  std::string surface = {};  // chat, completions, anthropic, responses
  TokenCounts tokens = {};
  std::int64_t reasoning = 0;  // of the output
  std::string currency = "USD";
  Money cost = {};
  std::string finish = {};
  std::int64_t milliseconds = 0;
};

// Within a transaction. Once: an id that is there already changes nothing.
void record_request(Database& database, const FinishedRequest& request);
// Tokens of that day (calendar.h), of all kinds; of one key, or of the account where the key is empty.
std::int64_t tokens_on_day(Database& database, std::int64_t day, const std::string& account,
                           const std::string& api_key);

}  // namespace fathom::accounts
