#include "fathom/accounts/migrations.h"

#include <array>
#include <string_view>

#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

struct Step {
  std::int64_t number;
  std::string_view sql;
};

// Statements of one number are one step. Moments are seconds since 1970, amounts 10^-12 of a unit (money.h), limits
// zero where there is none.
constexpr std::array kSteps = {
    Step{1,
         "CREATE TABLE account (name TEXT PRIMARY KEY, currency TEXT NOT NULL, prepaid BIGINT NOT NULL, "
         "granted BIGINT NOT NULL, topped_up BIGINT NOT NULL, created BIGINT NOT NULL, closed BIGINT NOT NULL, "
         "in_flight BIGINT NOT NULL, tokens_per_minute BIGINT NOT NULL, tokens_per_day BIGINT NOT NULL, "
         "context_tokens BIGINT NOT NULL)"},
    Step{1,
         "CREATE TABLE api_key (id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, "
         "account TEXT NOT NULL REFERENCES account (name), label TEXT NOT NULL, tail TEXT NOT NULL, "
         "models TEXT NOT NULL, surfaces TEXT NOT NULL, admin BIGINT NOT NULL, created BIGINT NOT NULL, "
         "expires BIGINT NOT NULL, revoked BIGINT NOT NULL, in_flight BIGINT NOT NULL, "
         "tokens_per_minute BIGINT NOT NULL, tokens_per_day BIGINT NOT NULL, context_tokens BIGINT NOT NULL)"},
    Step{1,
         "CREATE TABLE request (id TEXT PRIMARY KEY, at BIGINT NOT NULL, account TEXT NOT NULL, "
         "api_key TEXT NOT NULL, model TEXT NOT NULL, surface TEXT NOT NULL, hit BIGINT NOT NULL, "
         "miss BIGINT NOT NULL, output BIGINT NOT NULL, reasoning BIGINT NOT NULL, currency TEXT NOT NULL, "
         "cost BIGINT NOT NULL, finish TEXT NOT NULL, milliseconds BIGINT NOT NULL)"},
    Step{1, "CREATE INDEX request_by_time ON request (at)"},
    Step{1, "CREATE INDEX request_by_account ON request (account, at)"},
    // What usage is asked by: as many rows as there are days, keys and models, however many requests there were.
    Step{1,
         "CREATE TABLE usage_day (day BIGINT NOT NULL, account TEXT NOT NULL, api_key TEXT NOT NULL, "
         "model TEXT NOT NULL, currency TEXT NOT NULL, requests BIGINT NOT NULL, hit BIGINT NOT NULL, "
         "miss BIGINT NOT NULL, output BIGINT NOT NULL, cost BIGINT NOT NULL, "
         "PRIMARY KEY (day, account, api_key, model, currency))"},
    Step{1, "CREATE INDEX usage_day_by_account ON usage_day (account, day)"},
    Step{1,
         "CREATE TABLE audit (at BIGINT NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL, "
         "detail TEXT NOT NULL)"},
    // Sums of fewer rows (kept_sums.h). Days get another name: an older fathom that still runs would go on adding to
    // them alone, and without its table it fails instead.
    Step{2, "ALTER TABLE usage_day RENAME TO key_day_sum"},
    Step{2,
         "CREATE TABLE account_day_sum (day BIGINT NOT NULL, account TEXT NOT NULL, model TEXT NOT NULL, "
         "currency TEXT NOT NULL, requests BIGINT NOT NULL, hit BIGINT NOT NULL, miss BIGINT NOT NULL, "
         "output BIGINT NOT NULL, units BIGINT NOT NULL, parts BIGINT NOT NULL, "
         "PRIMARY KEY (day, account, currency, model))"},
    Step{2, "CREATE INDEX account_day_sum_by_account ON account_day_sum (account, day)"},
    Step{2,
         "INSERT INTO account_day_sum SELECT day, account, model, currency, CAST(SUM(requests) AS BIGINT), "
         "CAST(SUM(hit) AS BIGINT), CAST(SUM(miss) AS BIGINT), CAST(SUM(output) AS BIGINT), "
         "CAST(SUM(cost / 1000000000000) AS BIGINT) + CAST(SUM(cost % 1000000000000) AS BIGINT) / 1000000000000, "
         "CAST(SUM(cost % 1000000000000) AS BIGINT) % 1000000000000 "
         "FROM key_day_sum GROUP BY day, account, currency, model"},
    Step{2,
         "CREATE TABLE key_month_sum (month BIGINT NOT NULL, account TEXT NOT NULL, api_key TEXT NOT NULL, "
         "model TEXT NOT NULL, currency TEXT NOT NULL, requests BIGINT NOT NULL, hit BIGINT NOT NULL, "
         "miss BIGINT NOT NULL, output BIGINT NOT NULL, units BIGINT NOT NULL, parts BIGINT NOT NULL, "
         "PRIMARY KEY (month, account, currency, api_key, model))"},
    Step{2, "CREATE INDEX key_month_sum_by_account ON key_month_sum (account, month)"},
    // A month is its first day (calendar.h): years of 365 days and what leap days add, counted from a March, so that
    // February ends them; 153 days are five months from there on.
    Step{2,
         "INSERT INTO key_month_sum SELECT month, account, api_key, model, currency, CAST(SUM(requests) AS BIGINT), "
         "CAST(SUM(hit) AS BIGINT), CAST(SUM(miss) AS BIGINT), CAST(SUM(output) AS BIGINT), "
         "CAST(SUM(cost / 1000000000000) AS BIGINT) + CAST(SUM(cost % 1000000000000) AS BIGINT) / 1000000000000, "
         "CAST(SUM(cost % 1000000000000) AS BIGINT) % 1000000000000 "
         "FROM (SELECT day - year_day + (153 * ((5 * year_day + 2) / 153) + 2) / 5 AS month, account, api_key, "
         "model, currency, requests, hit, miss, output, cost "
         "FROM (SELECT era_day - (365 * era_year + era_year / 4 - era_year / 100) AS year_day, s.* "
         "FROM (SELECT (era_day - era_day / 1460 + era_day / 36524 - era_day / 146096) / 365 AS era_year, e.* "
         "FROM (SELECT (day + 719468) % 146097 AS era_day, key_day_sum.* FROM key_day_sum) e) s) y) m "
         "GROUP BY month, account, currency, api_key, model"},
    Step{2, "CREATE TABLE heartbeat (beats BIGINT NOT NULL)"},  // written to learn whether anything can be
    Step{2, "INSERT INTO heartbeat (beats) VALUES (0)"},
};

}  // namespace

std::int64_t schema_version() { return kSteps.back().number; }

void migrate(Database& database) {
  Transaction transaction(database);
  database.lock_schema();
  database.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)");
  const auto rows = database.run("SELECT COALESCE(MAX(version), 0) FROM schema_version");
  const std::int64_t version = rows.at(0).number(0);
  if (version > schema_version())
    throw InputError("[ledger] its tables are version {}, this fathom knows them up to {}: a newer one made them",
                     version, schema_version());
  for (const Step& step : kSteps)
    if (step.number > version) database.run(step.sql);
  if (version < schema_version()) database.run("INSERT INTO schema_version (version) VALUES ($1)", {schema_version()});
  transaction.commit();
}

}  // namespace fathom::accounts
