#include "fathom/accounts/kept_sums.h"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <map>
#include <random>

#include "fathom/accounts/calendar.h"
#include "fathom/accounts/usage_report.h"
#include "fathom/accounts/writer.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

constexpr std::int64_t kFirstDay = 19'700;  // 2023-12-09
constexpr std::int64_t kDays = 500;
const std::vector<std::string> kColumns = {"day", "account", "key", "model"};

// As the system's calendar has it.
std::string day_text(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm utc{};
  gmtime_r(&time, &utc);
  char text[16] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
  return text;
}

struct Figures {
  std::int64_t requests = 0;
  std::int64_t hit = 0;
  std::int64_t miss = 0;
  std::int64_t output = 0;
  Int128 cost = 0;
  bool operator==(const Figures&) const = default;
};
using Sums = std::map<std::vector<std::string>, Figures>;

Sums sums_of(const std::vector<FinishedRequest>& requests, const UsageQuery& query) {
  Sums sums;
  for (const FinishedRequest& request : requests) {
    const std::string day = day_text(request.at);
    const auto is = [](const std::string& wanted, const std::string& found) {
      return wanted.empty() || wanted == found;
    };
    if (day < write_day(query.first_day) || day > write_day(query.last_day) || !is(query.account, request.account) ||
        !is(query.api_key, request.api_key) || !is(query.model, request.model))
      continue;
    Figures& sum =
        sums[{query.tells("day") ? day : "", query.tells("account") ? request.account : "",
              query.tells("key") ? request.api_key : "", query.tells("model") ? request.model : "", request.currency}];
    ++sum.requests;
    sum.hit += request.tokens.hit;
    sum.miss += request.tokens.miss;
    sum.output += request.tokens.output;
    sum.cost += request.cost.parts();
  }
  return sums;
}

Sums sums_of(const std::vector<UsageRow>& rows) {
  Sums sums;
  for (const UsageRow& row : rows)
    EXPECT_TRUE(
        sums.emplace(std::vector{row.day, row.account, row.api_key, row.model, row.currency},
                     Figures{row.requests, row.tokens.hit, row.tokens.miss, row.tokens.output, row.cost.parts()})
            .second)
        << "a row is there twice";
  return sums;
}

class KeptSumsTest : public LedgerTest {
 protected:
  std::int64_t up_to(std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(0, most)(random_); }

  // At any time, often in the seconds around midnight.
  FinishedRequest draw(std::int64_t id) {
    const std::int64_t second = up_to(2) == 0 ? up_to(3) - 2 : up_to(kDaySeconds - 1);
    return {.id = std::to_string(id),
            .at = (kFirstDay + up_to(kDays - 1)) * kDaySeconds + second,
            .account = std::string(up_to(1) == 0 ? "red" : "blue"),
            .api_key = "k" + std::to_string(up_to(2)),
            .model = up_to(1) == 0 ? "deepseek-v4-pro" : "deepseek-v4-flash",
            .tokens = {.hit = up_to(1000), .miss = up_to(1000), .output = up_to(1000)},
            .currency = up_to(4) == 0 ? "CNY" : "USD",
            .cost = Money::of_parts(up_to(40 * Money::kParts))};
  }
  std::vector<FinishedRequest> record(std::int64_t count) {
    std::vector<FinishedRequest> requests;
    Transaction transaction(database());
    for (std::int64_t i = 0; i < count; ++i) record_request(database(), requests.emplace_back(draw(i)));
    transaction.commit();
    return requests;
  }
  // Every way to tell apart, over days and by filters drawn anew.
  void expect_sums(const std::vector<FinishedRequest>& requests) {
    for (unsigned told = 0; told < 16; ++told)
      for (int time = 0; time < 4; ++time) {
        UsageQuery query{.first_day = kFirstDay + up_to(kDays) - 10, .by = {}};
        query.last_day = time == 0 ? kFirstDay + kDays : query.first_day + up_to(kDays / 2);
        if (up_to(2) == 0) query.account = "red";
        if (up_to(3) == 0) query.api_key = "k1";
        if (up_to(3) == 0) query.model = "deepseek-v4-pro";
        for (unsigned column = 0; column < 4; ++column)
          if ((told >> column & 1) != 0) query.by.push_back(kColumns[column]);
        EXPECT_EQ(sums_of(read_usage(database(), query)), sums_of(requests, query))
            << told << ' ' << write_day(query.first_day) << ' ' << write_day(query.last_day);
      }
  }
  std::vector<std::string> table(const std::string& name) {
    std::vector<std::string> lines;
    const bool month = name == "key_month_sum";
    for (const Row& row :
         database().run("SELECT " + std::string(month ? "month, api_key" : "day, account") +
                        ", account, model, currency, requests, hit, miss, output, units, parts FROM " + name)) {
      std::string& line = lines.emplace_back();
      for (std::size_t column = 0; column < 11; ++column) line += row.text(column) + " ";
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

 private:
  std::mt19937_64 random_{7};
};

TEST_P(KeptSumsTest, EveryQuestionIsAnsweredAsFromTheRequests) { expect_sums(record(1500)); }

TEST_P(KeptSumsTest, AnOlderLedgerIsFilled) {
  Transaction transaction(database());
  std::vector<FinishedRequest> requests;
  for (const int year : {1970, 1972, 1999, 2000, 2023, 2024, 2025, 2028, 2100})
    for (unsigned month = 1; month <= 12; ++month)
      for (const std::int64_t second : {std::int64_t{-1}, std::int64_t{0}}) {
        FinishedRequest& request = requests.emplace_back(draw(std::ssize(requests)));
        request.at = std::max<std::int64_t>(0, day_start(year, month, 1) + second);
        record_request(database(), request);
      }
  for (int i = 0; i < 300; ++i) record_request(database(), requests.emplace_back(draw(std::ssize(requests))));
  transaction.commit();
  const auto months = table("key_month_sum");
  const auto days = table("account_day_sum");
  ASSERT_GT(months.size(), 200U);
  for (const char* newer : {"key_month_sum", "heartbeat"}) database().run(std::string("DROP TABLE ") + newer);
  database().run("DROP TABLE account_day_sum");
  database().run("ALTER TABLE key_day_sum RENAME TO usage_day");
  database().run("UPDATE schema_version SET version = 1");
  connect();
  EXPECT_EQ(table("key_month_sum"), months);
  EXPECT_EQ(table("account_day_sum"), days);
  expect_sums(requests);
}

TEST_P(KeptSumsTest, TwoWritersAddToTheSameSums) {
  constexpr int kEach = 300;
  std::vector<FinishedRequest> requests;
  for (int i = 0; i < 2 * kEach; ++i) {
    FinishedRequest request = draw(i);
    request.at = kFirstDay * kDaySeconds + i % 2;
    requests.push_back(request);
  }
  std::atomic<int> faults{0};
  {
    Writer forwards(connect());
    Writer backwards(connect());
    for (int i = 0; i < kEach; ++i)
      for (auto [writer, at] : {std::pair(&forwards, i), std::pair(&backwards, 2 * kEach - 1 - i)})
        writer->write([request = requests[static_cast<std::size_t>(at)]](Database& to) { record_request(to, request); },
                      [&](const std::exception_ptr& fault) { faults += fault ? 1 : 0; });
  }
  EXPECT_EQ(faults, 0);
  expect_sums(requests);
}

TEST_P(KeptSumsTest, WhatIsRolledBackIsInNoSum) {
  {
    Transaction transaction(database());
    record_request(database(), draw(0));
  }
  expect_sums({});
}

INSTANTIATE_TEST_SUITE_P(Ledger, KeptSumsTest, ::testing::Values("sqlite", "postgres"), kind_of);

TEST(WholeMonths, LieWithinTheDays) {
  const auto day = [](std::string_view text) { return parse_day(text, "test") / kDaySeconds; };
  const auto within = [&](std::string_view from, std::string_view to) {
    const WholeMonths months = WholeMonths::within(day(from), day(to));
    return months.none() ? std::string() : write_day(months.begin) + " " + write_day(months.end);
  };
  EXPECT_EQ(within("2024-02-01", "2024-02-29"), "2024-02-01 2024-03-01");
  EXPECT_EQ(within("2024-02-01", "2024-02-28"), "");
  EXPECT_EQ(within("2024-02-02", "2024-03-30"), "");
  EXPECT_EQ(within("2023-12-02", "2024-03-31"), "2024-01-01 2024-04-01");
  EXPECT_EQ(within("2024-05-01", "2024-04-01"), "");
}

}  // namespace
}  // namespace fathom::testing
