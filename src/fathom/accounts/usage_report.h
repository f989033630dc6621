// What was used and what it cost, from the sums that are kept: summed over what the query does not tell apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/accounts/database.h"
#include "fathom/accounts/money.h"
#include "fathom/accounts/price_card.h"
#include "fathom/accounts/request_book.h"

namespace fathom::accounts {

struct UsageQuery {
  std::int64_t first_day = 0;  // calendar.h; both ends belong to it
  std::int64_t last_day = 0;
  std::string account = {};  // these three: empty for all
  std::string api_key = {};
  std::string model = {};
  std::vector<std::string> by = {"day", "account", "key", "model"};  // what rows are told apart by, of these

  // From texts: days as 2026-04-24, empty for the first of all and for today; `by` joined by commas, empty for all
  // four. InputError names what it cannot read.
  static UsageQuery read(std::string_view from, std::string_view to, std::string_view by, std::int64_t now);
  bool tells(std::string_view column) const;
};

struct UsageRow {
  std::string day = {};  // 2026-04-24; what is not told apart is empty
  std::string account = {};
  std::string api_key = {};
  std::string model = {};
  std::string currency = {};
  std::int64_t requests = 0;
  TokenCounts tokens = {};
  Money cost = {};
};

// By day, account, key, model. Currencies are always told apart.
std::vector<UsageRow> read_usage(Database& database, const UsageQuery& query);
// The newest first, at most so many; `by` does not count.
std::vector<FinishedRequest> read_requests(Database& database, const UsageQuery& query, std::int64_t most);

// With a line of names; only columns that are told apart. Costs are exact.
std::string usage_csv(const UsageQuery& query, const std::vector<UsageRow>& rows);

}  // namespace fathom::accounts
