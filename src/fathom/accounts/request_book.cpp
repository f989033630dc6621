#include "fathom/accounts/request_book.h"

#include "fathom/accounts/account_book.h"
#include "fathom/accounts/kept_sums.h"

namespace fathom::accounts {

void record_request(Database& database, const FinishedRequest& request) {
  database.lock_sums();
  const TokenCounts& tokens = request.tokens;
  const std::int64_t cost = request.cost.column();
  const auto fresh = database.run(
      "INSERT INTO request (id, at, account, api_key, model, surface, hit, miss, output, reasoning, currency, cost, "
      "finish, milliseconds) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
      "ON CONFLICT (id) DO NOTHING RETURNING id",
      {request.id, request.at, request.account, request.api_key, request.model, request.surface, tokens.hit,
       tokens.miss, tokens.output, request.reasoning, request.currency, cost, request.finish, request.milliseconds});
  if (fresh.empty()) return;
  add_to_sums(database, request);
  spend(database, request.account, request.cost);
}

std::int64_t tokens_on_day(Database& database, std::int64_t day, const std::string& account,
                           const std::string& api_key) {
  constexpr std::string_view kSum =
      "SELECT CAST(COALESCE(SUM(hit + miss + output), 0) AS BIGINT) FROM key_day_sum WHERE account = $1 AND day = $2";
  if (api_key.empty()) return database.run(kSum, {account, day}).at(0).number(0);
  return database.run(std::string(kSum) + " AND api_key = $3", {account, day, api_key}).at(0).number(0);
}

}  // namespace fathom::accounts
