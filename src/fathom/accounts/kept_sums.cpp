#include "fathom/accounts/kept_sums.h"

#include <fmt/format.h>

#include "fathom/accounts/calendar.h"

namespace fathom::accounts {

void add_to_sums(Database& database, const FinishedRequest& request) {
  const TokenCounts& tokens = request.tokens;
  const std::int64_t day = day_of(request.at);
  const std::int64_t cost = request.cost.column();
  const std::int64_t units = cost / Money::kParts;  // apart from the rest: a month may cost more than a column holds
  const std::int64_t parts = cost % Money::kParts;
  database.run(
      "INSERT INTO key_day_sum (day, account, api_key, model, currency, requests, hit, miss, output, cost) "
      "VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9) ON CONFLICT (day, account, api_key, model, currency) DO UPDATE "
      "SET requests = key_day_sum.requests + 1, hit = key_day_sum.hit + excluded.hit, "
      "miss = key_day_sum.miss + excluded.miss, output = key_day_sum.output + excluded.output, "
      "cost = key_day_sum.cost + excluded.cost",
      {day, request.account, request.api_key, request.model, request.currency, tokens.hit, tokens.miss, tokens.output,
       cost});
  database.run(
      "INSERT INTO account_day_sum (day, account, model, currency, requests, hit, miss, output, units, parts) "
      "VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9) ON CONFLICT (day, account, currency, model) DO UPDATE "
      "SET requests = account_day_sum.requests + 1, hit = account_day_sum.hit + excluded.hit, "
      "miss = account_day_sum.miss + excluded.miss, output = account_day_sum.output + excluded.output, "
      "units = account_day_sum.units + excluded.units + (account_day_sum.parts + excluded.parts) / 1000000000000, "
      "parts = (account_day_sum.parts + excluded.parts) % 1000000000000",
      {day, request.account, request.model, request.currency, tokens.hit, tokens.miss, tokens.output, units, parts});
  database.run(
      "INSERT INTO key_month_sum (month, account, api_key, model, currency, requests, hit, miss, output, units, parts) "
      "VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10) "
      "ON CONFLICT (month, account, currency, api_key, model) DO UPDATE "
      "SET requests = key_month_sum.requests + 1, hit = key_month_sum.hit + excluded.hit, "
      "miss = key_month_sum.miss + excluded.miss, output = key_month_sum.output + excluded.output, "
      "units = key_month_sum.units + excluded.units + (key_month_sum.parts + excluded.parts) / 1000000000000, "
      "parts = (key_month_sum.parts + excluded.parts) % 1000000000000",
      {month_of(day), request.account, request.api_key, request.model, request.currency, tokens.hit, tokens.miss,
       tokens.output, units, parts});
}

WholeMonths WholeMonths::within(std::int64_t first_day, std::int64_t last_day) {
  const bool begins = month_of(first_day) == first_day;
  return {.begin = begins ? first_day : next_month(first_day), .end = month_of(last_day + 1)};
}

std::string sums_source(const SumsQuestion& question) {
  const std::string_view key = question.keys ? "api_key, " : "";
  const std::string_view table = question.keys ? "key_day_sum" : "account_day_sum";
  const std::string cost = question.keys ? fmt::format("cost / {0} AS units, cost % {0} AS parts", Money::kParts)
                                         : std::string("units, parts");
  const auto rows = [&](std::string_view from, std::string_view columns, std::string_view within) {
    return fmt::format("SELECT {}account, {}model, currency, requests, hit, miss, output, {} FROM {} WHERE {}{}",
                       question.days ? "day, " : "", key, columns, from, within, question.filter);
  };
  if (!question.months) return fmt::format("({}) s", rows(table, cost, "day >= $1 AND day <= $2"));
  // The ranges one by one, so that an index finds each.
  return fmt::format("({} UNION ALL {} UNION ALL {}) s", rows(table, cost, "day >= $1 AND day < $6"),
                     rows("key_month_sum", "units, parts", "month >= $6 AND month < $7"),
                     rows(table, cost, "day >= $7 AND day <= $2"));
}

}  // namespace fathom::accounts
