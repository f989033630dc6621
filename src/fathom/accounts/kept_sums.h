// Sums that are kept beside the requests, in the transaction of each, so that what a year cost is read in milliseconds
// however many requests it had:
//
//   key_day_sum      of a day, an account, a key, a model and a currency
//   account_day_sum  of a day, an account, a model and a currency
//   key_month_sum    of a month, an account, a key, a model and a currency
//
// Each holds all requests: a question goes to the one that answers it by the fewest rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fathom/accounts/request_book.h"

namespace fathom::accounts {

// Within the transaction that records the request. Its day and its month are those of request.at, in UTC.
void add_to_sums(Database& database, const FinishedRequest& request);

// Months that lie whole within some days, from the first day of one to the day behind the last one's end.
struct WholeMonths {
  std::int64_t begin = 0;
  std::int64_t end = 0;

  static WholeMonths within(std::int64_t first_day, std::int64_t last_day);
  bool none() const { return begin >= end; }
};

struct SumsQuestion {
  bool days = false;             // are told apart
  bool keys = false;             // are told apart, or one of them is asked for
  bool months = false;           // some lie whole within the days
  std::string_view filter = {};  // " AND ...", on account, model and, with `keys`, api_key
};

// What stands behind FROM: rows of day (with `days`), account, api_key (with `keys`), model, currency, requests, hit,
// miss, output, and the cost as whole units and parts (money.h). $1 and $2 are the first and the last day, and with
// `months` $6 and $7 the WholeMonths.
std::string sums_source(const SumsQuestion& question);

}  // namespace fathom::accounts
