#include "fathom/accounts/usage_report.h"

#include <map>

#include "fathom/accounts/calendar.h"
#include "fathom/base/error.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

constexpr std::int64_t kFirstDay = 20'600;
constexpr std::int64_t kNow = (kFirstDay + 3) * kDaySeconds;

class UsageReportTest : public LedgerTest {
 protected:
  // 60 requests over three days, two accounts with two keys each, two models, two currencies.
  void SetUp() override {
    LedgerTest::SetUp();
    if (IsSkipped()) return;
    Transaction transaction(database());
    for (std::int64_t i = 0; i < 60; ++i) {
      FinishedRequest request{.id = std::to_string(i),
                              .at = (kFirstDay + i % 3) * kDaySeconds + i,
                              .account = i % 2 == 0 ? "red" : "blue",
                              .api_key = i % 4 < 2 ? "k1" : "k2",
                              .model = i % 5 == 0 ? "deepseek-v4-pro" : "deepseek-v4-flash",
                              .tokens = {.hit = i, .miss = 2 * i, .output = 3},
                              .cost = Money::of_parts(i * Money::kParts / 8)};
      if (i % 2 != 0) request.currency = "CNY";
      record_request(database(), request);
      all_.push_back(request);
    }
    transaction.commit();
  }
  UsageQuery query(std::string_view by) const { return UsageQuery::read("", "", by, kNow); }

  std::vector<FinishedRequest> all_;
};

TEST_P(UsageReportTest, EveryWayToTellApartSumsToTheSame) {
  for (const char* by : {"day", "account", "key", "model", "day,account", "key,model", "day,account,key,model", ""}) {
    std::map<std::string, Money> cost;
    std::map<std::string, std::int64_t> hits;
    for (const UsageRow& row : read_usage(database(), query(by))) {
      cost[row.currency] += row.cost;
      hits[row.currency] += row.tokens.hit;
    }
    // 0 + 2 + ... + 58 and 1 + 3 + ... + 59.
    EXPECT_EQ(hits["USD"], 870) << by;
    EXPECT_EQ(hits["CNY"], 900) << by;
    EXPECT_EQ(cost["USD"].exact(), "108.75") << by;
    EXPECT_EQ(cost["CNY"].exact(), "112.50") << by;
  }
}

TEST_P(UsageReportTest, AgreesWithSumsOverTheRequests) {
  std::map<std::string, std::int64_t> expected;
  for (const FinishedRequest& request : all_)
    expected[write_day(day_of(request.at)) + request.account + request.api_key + request.model] += request.tokens.miss;
  const auto rows = read_usage(database(), query(""));
  EXPECT_EQ(rows.size(), expected.size());
  for (const UsageRow& row : rows)
    EXPECT_EQ(row.tokens.miss, expected[row.day + row.account + row.api_key + row.model]);
}

TEST_P(UsageReportTest, FiltersHold) {
  UsageQuery one = query("account");
  one.account = "red";
  one.first_day = one.last_day = kFirstDay + 1;
  auto rows = read_usage(database(), one);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].requests, 10);
  one.api_key = "k1";
  one.model = "deepseek-v4-pro";
  for (const FinishedRequest& request : read_requests(database(), one, 100)) {
    EXPECT_EQ(request.account + request.api_key + request.model, "redk1deepseek-v4-pro");
    EXPECT_EQ(day_of(request.at), kFirstDay + 1);
  }
  one.account = "red' OR '1' = '1";
  EXPECT_TRUE(read_usage(database(), one).empty());
}

TEST_P(UsageReportTest, RequestsComeNewestFirst) {
  const auto requests = read_requests(database(), query(""), 3);
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].id, "59");
  EXPECT_EQ(requests[1].id, "56");
  EXPECT_EQ(requests[0].cost.exact(), "7.375");
}

TEST_P(UsageReportTest, SumsBeyondSixtyFourBits) {
  Transaction transaction(database());
  for (int i = 0; i < 4; ++i)  // each nearly all that a column holds
    record_request(database(), {.id = "rich" + std::to_string(i),
                                .at = (kFirstDay + i) * kDaySeconds,
                                .account = "rich",
                                .cost = Money::of_parts(9'000'000'999'999'999'999)});
  transaction.commit();
  UsageQuery rich = query("account");
  rich.account = "rich";
  EXPECT_EQ(read_usage(database(), rich).at(0).cost.exact(), "36000003.999999999996");
  rich.last_day = kFirstDay + 400;  // its month whole
  EXPECT_EQ(read_usage(database(), rich).at(0).cost.exact(), "36000003.999999999996");
}

TEST_P(UsageReportTest, CsvHasItsColumnsAndNoFormulas) {
  UsageQuery red = query("account,model");
  red.account = "red";
  EXPECT_EQ(usage_csv(red, read_usage(database(), red)),
            "account,model,currency,requests,cache_hit_tokens,cache_miss_tokens,output_tokens,cost\n"
            "red,deepseek-v4-flash,USD,24,720,1440,72,90.00\n"
            "red,deepseek-v4-pro,USD,6,150,300,18,18.75\n");
  EXPECT_NE(usage_csv(red, {{.account = "=1+1", .model = "a,\"b\"", .currency = "USD"}})
                .find("\"'=1+1\",\"a,\"\"b\"\"\",USD"),
            std::string::npos);
}

TEST_P(UsageReportTest, WhatCannotBeReadIsAnInputError) {
  EXPECT_THROW(UsageQuery::read("yesterday", "", "", kNow), InputError);
  EXPECT_THROW(UsageQuery::read("", "", "day,week", kNow), InputError);
}

INSTANTIATE_TEST_SUITE_P(Ledger, UsageReportTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
