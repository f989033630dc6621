// What a ledger of many rows costs:  bench_ledger WHERE [ROWS, 1000000 when not given]
// Fills an empty ledger (a file, or postgresql://...) with requests of a year by 50 accounts with 4 keys each and 2
// models, asks for usage in every way that `fathom usage` and /admin/usage do, and looks keys up. WHERE is left for
// another look.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <vector>

#include "fathom/accounts/access.h"
#include "fathom/accounts/calendar.h"
#include "fathom/accounts/ledger.h"
#include "fathom/accounts/usage_report.h"

namespace fathom::accounts {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kNow = 1'795'000'000;  // November 2026
constexpr std::int64_t kDays = 365;
constexpr std::int64_t kBatch = 10'000;

double milliseconds(const std::function<void()>& act) {
  const auto begin = Clock::now();
  act();
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double processor_milliseconds() { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// The median of several, the fastest and the slowest; and of this process's own work: SQLite's is part of it.
void say(std::string_view what, const std::function<std::size_t()>& act) {
  std::vector<double> times;
  std::size_t rows = 0;
  const double begin = processor_milliseconds();
  for (int i = 0; i < 9; ++i) times.push_back(milliseconds([&] { rows = act(); }));
  const double worked = (processor_milliseconds() - begin) / static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  fmt::print("{:<44} {:7} rows  {:9.2f} ms  {:9.2f} to {:9.2f}, worked {:9.2f}\n", what, rows, times[times.size() / 2],
             times.front(), times.back(), worked);
  std::fflush(stdout);
}

FinishedRequest request(std::int64_t i) {
  return {.id = fmt::format("{:08x}{:08x}", (i * 2'654'435'761) & 0xffffffff, i),
          .at = kNow - (i * 7919) % (kDays * kDaySeconds),
          .account = fmt::format("account{}", i % 50),
          .api_key = fmt::format("{:016x}", i % 200),
          .model = i % 3 == 0 ? "deepseek-v4-pro" : "deepseek-v4-flash",
          .surface = "chat",
          .tokens = {.hit = i % 5000, .miss = i % 900, .output = i % 700},
          .reasoning = i % 300,
          .currency = "USD",
          .cost = Money::of_parts(i % 1'000'000'007),
          .finish = "stop",
          .milliseconds = i % 60'000};
}

void fill(Database& database, std::int64_t rows) {
  const double took = milliseconds([&] {
    for (std::int64_t begin = 0; begin < rows; begin += kBatch) {
      Transaction transaction(database);
      for (std::int64_t i = begin; i < std::min(rows, begin + kBatch); ++i) record_request(database, request(i));
      transaction.commit();
    }
  });
  fmt::print("{} rows written in {:.1f} s\n", rows, took / 1e3);
}

void ask(Database& database) {
  const auto usage = [&](std::string_view from, std::string_view by, const std::string& account) {
    return [&database, account, query = UsageQuery::read(from, "", by, kNow)]() mutable {
      query.account = account;
      return read_usage(database, query).size();
    };
  };
  say("all, by account", usage("", "account", ""));
  say("all, by model", usage("", "model", ""));
  say("all, by account and model", usage("", "account,model", ""));
  say("all, by key", usage("", "key", ""));
  say("all, by day", usage("", "day", ""));
  say("all, by day and model", usage("", "day,model", ""));
  say("all, by day and account", usage("", "day,account", ""));
  say("all, by day, account and model", usage("", "day,account,model", ""));
  say("all, by day and key", usage("", "day,key", ""));
  say("all, by all four", usage("", "", ""));
  say("one account, by day, key and model", usage("", "", "account7"));
  say("this month, by day and account", usage("2026-11-01", "day,account", ""));
  say("this month, by all four", usage("2026-11-01", "", ""));
  say("an account's last 100 requests", [&] {
    UsageQuery query = UsageQuery::read("", "", "", kNow);
    query.account = "account7";
    return read_requests(database, query, 100).size();
  });
  say("everybody's last 100 requests",
      [&] { return read_requests(database, UsageQuery::read("", "", "", kNow), 100).size(); });
  const Actor actor{.name = "bench", .now = kNow};
  if (!find_account(database, "bench"))
    create_account(database, actor, {.name = "bench", .limits = {.tokens_per_day = 1}});
  const std::string digest = key_digest(create_key(database, actor, {.account = "bench"}).text);
  say("a key looked up, with its day", [&] { return std::size_t{find_access(database, digest, kNow).may_ask()}; });
}

}  // namespace
}  // namespace fathom::accounts

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: bench_ledger WHERE [ROWS]\n");
    return 2;
  }
  std::unique_ptr<fathom::accounts::Database> database;
  fmt::print("opened in {:.0f} ms\n",
             fathom::accounts::milliseconds([&] { database = fathom::accounts::open_database(argv[1]); }));
  fathom::accounts::fill(*database, argc > 2 ? std::atoll(argv[2]) : 1'000'000);
  fathom::accounts::ask(*database);
}
