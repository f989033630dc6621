// fathom usage: what was used, and what it cost.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "fathom/accounts/calendar.h"
#include "fathom/accounts/usage_report.h"
#include "fathom/apps/commands.h"
#include "fathom/apps/ledger_option.h"
#include "fathom/apps/table_print.h"

namespace fathom {
namespace {

using namespace accounts;

struct UsageOptions {
  std::string ledger;
  std::string from;
  std::string to;
  std::string by;
  UsageQuery filter;
  std::int64_t requests = 0;
  bool csv = false;
};

void print_requests(const std::vector<FinishedRequest>& requests) {
  std::vector<std::vector<std::string>> rows = {
      {"when", "id", "account", "key", "model", "surface", "hit>", "miss>", "output>", "cost>", "", "ended by", "ms>"}};
  for (const FinishedRequest& request : requests)
    rows.push_back({write_moment(request.at), request.id, request.account, request.api_key, request.model,
                    request.surface, fmt::format("{}", request.tokens.hit), fmt::format("{}", request.tokens.miss),
                    fmt::format("{}", request.tokens.output), request.cost.exact(), request.currency, request.finish,
                    fmt::format("{}", request.milliseconds)});
  fmt::print("{}", table_text(rows));
}

void print_sums(const UsageQuery& query, const std::vector<UsageRow>& usage) {
  std::vector<std::vector<std::string>> rows(1);
  for (const char* name : {"day", "account", "key", "model"})
    if (query.tells(name)) rows[0].emplace_back(name);
  for (const char* name : {"requests>", "hit>", "miss>", "output>", "cost>", ""}) rows[0].emplace_back(name);
  for (const UsageRow& row : usage) {
    std::vector<std::string> line;
    if (query.tells("day")) line.push_back(row.day);
    if (query.tells("account")) line.push_back(row.account);
    if (query.tells("key")) line.push_back(row.api_key);
    if (query.tells("model")) line.push_back(row.model);
    for (const std::int64_t count : {row.requests, row.tokens.hit, row.tokens.miss, row.tokens.output})
      line.push_back(fmt::format("{}", count));
    line.push_back(row.cost.exact());
    line.push_back(row.currency);
    rows.push_back(std::move(line));
  }
  fmt::print("{}", table_text(rows));
}

void run_usage(const UsageOptions& options) {
  UsageQuery query = UsageQuery::read(options.from, options.to, options.by, command_actor().now);
  query.account = options.filter.account;
  query.api_key = options.filter.api_key;
  query.model = options.filter.model;
  const auto database = open_ledger(options.ledger);
  if (options.requests > 0) return print_requests(read_requests(*database, query, options.requests));
  const std::vector<UsageRow> rows = read_usage(*database, query);
  if (options.csv)
    fmt::print("{}", usage_csv(query, rows));
  else
    print_sums(query, rows);
}

}  // namespace

void add_usage_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("usage", "tokens and costs by day, account, key and model");
  command->footer(R"(Days are UTC's. hit: tokens of prompts that were found in the cache, miss: those that were read.

  fathom usage --by account,model --from 2026-11-01
  fathom usage --account ada --csv > ada.csv
  fathom usage --account ada --requests 20          # the last 20, one by one)");
  const auto options = std::make_shared<UsageOptions>();
  add_ledger_option(*command, options->ledger);
  command->add_option("--from", options->from, "first day, such as 2026-11-01; the first of all where it is not given");
  command->add_option("--to", options->to, "last day; today where it is not given");
  command->add_option("--by", options->by,
                      "what to tell apart, of day,account,key,model; all four where it is not given");
  command->add_option("--account", options->filter.account, "of one account");
  command->add_option("--key", options->filter.api_key, "of one key, by its id");
  command->add_option("--model", options->filter.model, "of one model");
  command->add_option("--requests", options->requests, "the last requests one by one, so many at most");
  command->add_flag("--csv", options->csv, "as CSV");
  command->callback([options] { run_usage(*options); });
}

}  // namespace fathom
