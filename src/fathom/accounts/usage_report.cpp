#include "fathom/accounts/usage_report.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fathom/accounts/calendar.h"
#include "fathom/accounts/kept_sums.h"
#include "fathom/base/error.h"

namespace fathom::accounts {
namespace {

// As queries and clients call them, and as the table does.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kColumns = {
    {{"day", "day"}, {"account", "account"}, {"key", "api_key"}, {"model", "model"}}};

std::vector<Argument> arguments_of(const UsageQuery& query) {
  return {query.first_day, query.last_day, query.account, query.api_key, query.model};
}

// A filter that is empty is left out of the statement: what is left decides by an index.
std::string filters(const UsageQuery& query) {
  std::string text;
  if (!query.account.empty()) text += " AND account = $3";
  if (!query.api_key.empty()) text += " AND api_key = $4";
  if (!query.model.empty()) text += " AND model = $5";
  return text;
}

// PostgreSQL takes no argument that a statement does not name.
constexpr std::string_view kAllArguments = "$3 = CAST($3 AS TEXT) AND $4 = CAST($4 AS TEXT) AND $5 = CAST($5 AS TEXT)";

std::string csv_field(const std::string& text) {
  // A table program takes what begins like that for a formula.
  const bool formula = !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
  if (!formula && text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = formula ? "\"'" : "\"";
  for (const char letter : text) out += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return out + "\"";
}

}  // namespace

UsageQuery UsageQuery::read(std::string_view from, std::string_view to, std::string_view by, std::int64_t now) {
  UsageQuery query;
  query.first_day = from.empty() ? 0 : day_of(parse_day(from, "usage"));
  query.last_day = to.empty() ? day_of(now) : day_of(parse_day(to, "usage"));
  if (by.empty()) return query;
  query.by.clear();
  while (!by.empty()) {
    const std::size_t comma = std::min(by.find(','), by.size());
    const std::string_view word = by.substr(0, comma);
    by.remove_prefix(std::min(comma + 1, by.size()));
    const bool known =
        std::any_of(kColumns.begin(), kColumns.end(), [&](const auto& each) { return each.first == word; });
    if (!known) throw InputError("[usage] found \"{}\" to tell apart by, expected day, account, key or model", word);
    query.by.emplace_back(word);
  }
  return query;
}

bool UsageQuery::tells(std::string_view column) const { return std::find(by.begin(), by.end(), column) != by.end(); }

std::vector<UsageRow> read_usage(Database& database, const UsageQuery& query) {
  std::string columns;
  for (const auto& [name, column] : kColumns)
    if (query.tells(name)) columns += fmt::format("{}, ", column);
  const WholeMonths months = WholeMonths::within(query.first_day, query.last_day);
  const std::string filter = filters(query);
  const SumsQuestion question{.days = query.tells("day"),
                              .keys = query.tells("key") || !query.api_key.empty(),
                              .months = !query.tells("day") && !months.none(),
                              .filter = filter};
  std::vector<Argument> arguments = arguments_of(query);
  if (question.months) arguments.insert(arguments.end(), {months.begin, months.end});
  // What the source tells apart and the query does too is summed already.
  const bool summed =
      question.days && query.tells("account") && query.tells("model") && question.keys == query.tells("key");
  // Whole units and what is left of them are summed apart: 64 bits hold both, however much was spent.
  const std::string sql = fmt::format(
      "SELECT {0}currency, {1} FROM {2} WHERE {3} {4}ORDER BY {0}currency", columns,
      summed ? "requests, hit, miss, output, units, parts"
             : "CAST(SUM(requests) AS BIGINT), CAST(SUM(hit) AS BIGINT), CAST(SUM(miss) AS BIGINT), "
               "CAST(SUM(output) AS BIGINT), CAST(SUM(units) AS BIGINT), CAST(SUM(parts) AS BIGINT)",
      sums_source(question), kAllArguments, summed ? std::string() : fmt::format("GROUP BY {}currency ", columns));
  std::vector<UsageRow> rows;
  for (const Row& row : database.run(sql, arguments)) {
    UsageRow found;
    std::size_t at = 0;
    if (query.tells("day")) found.day = write_day(row.number(at++));
    if (query.tells("account")) found.account = row.text(at++);
    if (query.tells("key")) found.api_key = row.text(at++);
    if (query.tells("model")) found.model = row.text(at++);
    found.currency = row.text(at);
    found.requests = row.number(at + 1);
    found.tokens = {.hit = row.number(at + 2), .miss = row.number(at + 3), .output = row.number(at + 4)};
    found.cost = Money::of_parts(Int128{row.number(at + 5)} * Money::kParts + row.number(at + 6));
    rows.push_back(std::move(found));
  }
  return rows;
}

std::vector<FinishedRequest> read_requests(Database& database, const UsageQuery& query, std::int64_t most) {
  std::vector<Argument> arguments = arguments_of(query);
  arguments[0] = query.first_day * kDaySeconds;
  arguments[1] = (query.last_day + 1) * kDaySeconds;
  arguments.emplace_back(most);
  const std::string sql =
      "SELECT id, at, account, api_key, model, surface, hit, miss, output, reasoning, currency, cost, finish, "
      "milliseconds FROM request WHERE at >= $1 AND at < $2" +
      filters(query) + fmt::format(" AND {} ORDER BY at DESC LIMIT $6", kAllArguments);
  std::vector<FinishedRequest> requests;
  for (const Row& row : database.run(sql, arguments))
    requests.push_back({.id = row.text(0),
                        .at = row.number(1),
                        .account = row.text(2),
                        .api_key = row.text(3),
                        .model = row.text(4),
                        .surface = row.text(5),
                        .tokens = {.hit = row.number(6), .miss = row.number(7), .output = row.number(8)},
                        .reasoning = row.number(9),
                        .currency = row.text(10),
                        .cost = Money::of_parts(row.number(11)),
                        .finish = row.text(12),
                        .milliseconds = row.number(13)});
  return requests;
}

std::string usage_csv(const UsageQuery& query, const std::vector<UsageRow>& rows) {
  std::string out;
  for (const auto& [name, column] : kColumns)
    if (query.tells(name)) out += fmt::format("{},", name);
  out += "currency,requests,cache_hit_tokens,cache_miss_tokens,output_tokens,cost\n";
  for (const UsageRow& row : rows) {
    if (query.tells("day")) out += row.day + ",";
    if (query.tells("account")) out += csv_field(row.account) + ",";
    if (query.tells("key")) out += csv_field(row.api_key) + ",";
    if (query.tells("model")) out += csv_field(row.model) + ",";
    out += fmt::format("{},{},{},{},{},{}\n", row.currency, row.requests, row.tokens.hit, row.tokens.miss,
                       row.tokens.output, row.cost.exact());
  }
  return out;
}

}  // namespace fathom::accounts
