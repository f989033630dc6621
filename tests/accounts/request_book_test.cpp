#include "fathom/accounts/request_book.h"

#include "fathom/accounts/account_book.h"
#include "fathom/accounts/calendar.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

class RequestBookTest : public LedgerTest {
 protected:
  void record(const FinishedRequest& request) {
    Transaction transaction(database());
    record_request(database(), request);
    transaction.commit();
  }
  static FinishedRequest request(const std::string& id, std::int64_t at = kOperator.now) {
    return {.id = id,
            .at = at,
            .account = "red",
            .api_key = "k1",
            .model = "deepseek-v4-flash",
            .surface = "chat",
            .tokens = {.hit = 100, .miss = 20, .output = 3},
            .cost = Money::parse("0.25", "test"),
            .finish = "stop"};
  }
};

TEST_P(RequestBookTest, ARequestIsARowASumAndItsPrice) {
  create_account(database(), kOperator, {.name = "red"});
  credit_account(database(), kOperator, "red", {.topped_up = Money::parse("1", "test")});
  record(request("a"));
  record(request("b"));
  EXPECT_EQ(database().run("SELECT COUNT(*) FROM request WHERE account = 'red'").at(0).number(0), 2);
  const auto sums = database().run("SELECT requests, hit, miss, output, cost FROM key_day_sum");
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums[0].number(0), 2);
  EXPECT_EQ(sums[0].number(1), 200);
  EXPECT_EQ(sums[0].number(4), Money::kParts / 2);
  EXPECT_EQ(find_account(database(), "red")->total().exact(), "0.50");
}

TEST_P(RequestBookTest, TheSameIdCountsOnce) {
  record(request("a"));
  record(request("a"));
  EXPECT_EQ(tokens_on_day(database(), day_of(kOperator.now), "red", ""), 123);
}

TEST_P(RequestBookTest, ADayEndsAtMidnight) {
  const std::int64_t day = day_of(kOperator.now);
  record(request("a", (day + 1) * kDaySeconds - 1));
  record(request("b", (day + 1) * kDaySeconds));
  FinishedRequest other = request("c", day * kDaySeconds);
  other.api_key = "k2";
  record(other);
  EXPECT_EQ(tokens_on_day(database(), day, "red", ""), 246);
  EXPECT_EQ(tokens_on_day(database(), day, "red", "k2"), 123);
  EXPECT_EQ(tokens_on_day(database(), day + 1, "red", "k1"), 123);
  EXPECT_EQ(tokens_on_day(database(), day, "blue", ""), 0);
}

INSTANTIATE_TEST_SUITE_P(Ledger, RequestBookTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
