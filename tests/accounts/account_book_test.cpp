#include "fathom/accounts/account_book.h"

#include "fathom/base/error.h"
#include "tests/accounts/ledger_support.h"

namespace fathom::testing {
namespace {

using namespace accounts;

Money money(std::string_view text) { return Money::parse(text, "test"); }

class AccountBookTest : public LedgerTest {
 protected:
  Account find(const std::string& name) { return find_account(database(), name).value(); }
  std::string balance(const std::string& name) {
    const Account account = find(name);
    return account.granted.exact() + " + " + account.topped_up.exact();
  }
};

TEST_P(AccountBookTest, AnAccountIsAsItWasMade) {
  const Limits limits{.in_flight = 4, .tokens_per_minute = 1000, .tokens_per_day = 20'000, .context_tokens = 4096};
  create_account(database(), kOperator, {.name = "red-team.1", .currency = "CNY", .prepaid = true, .limits = limits});
  const Account account = find("red-team.1");
  EXPECT_EQ(account.currency, "CNY");
  EXPECT_TRUE(account.prepaid);
  EXPECT_EQ(account.limits, limits);
  EXPECT_EQ(account.created, kOperator.now);
  EXPECT_FALSE(account.may_spend());
  EXPECT_FALSE(find_account(database(), "red").has_value());
  set_account_limits(database(), kOperator, "red-team.1", {});
  EXPECT_EQ(find("red-team.1").limits, Limits());
}

TEST_P(AccountBookTest, NamesAreKeptForGood) {
  create_account(database(), kOperator, {.name = "red"});
  EXPECT_THROW(create_account(database(), kOperator, {.name = "red"}), InputError);
  close_account(database(), kOperator, "red");
  EXPECT_THROW(create_account(database(), kOperator, {.name = "red"}), InputError);
  EXPECT_THROW(credit_account(database(), kOperator, "red", {.topped_up = money("1")}), InputError);
  EXPECT_THROW(close_account(database(), kOperator, "blue"), InputError);
  for (const char* name : {"", "Red", "red team", "-red", "local", "red'; DROP TABLE account; --"})
    EXPECT_THROW(create_account(database(), kOperator, {.name = name}), InputError) << name;
  EXPECT_THROW(create_account(database(), kOperator, {.name = "blue", .currency = "usd"}), InputError);
  EXPECT_THROW(create_account(database(), kOperator, {.name = "blue", .limits = {.in_flight = -1}}), InputError);
}

TEST_P(AccountBookTest, TheGiftIsSpentFirst) {
  create_account(database(), kOperator, {.name = "red"});
  EXPECT_TRUE(find("red").may_spend()) << "whoever was never credited is only counted";
  spend(database(), "red", money("5"));
  EXPECT_EQ(balance("red"), "0.00 + 0.00");
  credit_account(database(), kOperator, "red", {.granted = money("1"), .topped_up = money("10")});
  spend(database(), "red", money("0.4"));
  EXPECT_EQ(balance("red"), "0.60 + 10.00");
  spend(database(), "red", money("0.600000000001"));
  EXPECT_EQ(balance("red"), "0.00 + 9.999999999999");
  spend(database(), "red", money("12"));
  EXPECT_EQ(balance("red"), "0.00 + -2.000000000001") << "an answer that ran is paid";
  EXPECT_FALSE(find("red").may_spend());
  credit_account(database(), kOperator, "red", {.granted = money("2.000000000001")});
  EXPECT_FALSE(find("red").may_spend()) << "nothing left is not enough";
  set_prepaid(database(), kOperator, "red", false);
  EXPECT_TRUE(find("red").may_spend());
}

TEST_P(AccountBookTest, ABalanceHasItsBounds) {
  create_account(database(), kOperator, {.name = "red"});
  credit_account(database(), kOperator, "red", {.granted = money("1"), .topped_up = money("8999999.99")});
  EXPECT_THROW(credit_account(database(), kOperator, "red", {.topped_up = money("0.02")}), InputError);
  EXPECT_THROW(credit_account(database(), kOperator, "red", {.granted = money("-1.01")}), InputError);
  credit_account(database(), kOperator, "red", {.granted = money("-1"), .topped_up = money("-8999999")});
  EXPECT_EQ(balance("red"), "0.00 + 0.99");
}

TEST_P(AccountBookTest, EveryActIsInTheAuditLog) {
  create_account(database(), kOperator, {.name = "red"});
  credit_account(database(), {.name = "key ab", .now = kOperator.now + 5}, "red", {.topped_up = money("2.5")});
  EXPECT_THROW(credit_account(database(), kOperator, "blue", {.topped_up = money("2")}), InputError);
  const auto entries = read_audit(database(), 10);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].actor, "key ab");
  EXPECT_EQ(entries[0].act, "credit account");
  EXPECT_EQ(entries[0].detail, "granted=0.00 topped_up=2.50 USD");
  EXPECT_EQ(entries[1].subject, "red");
  EXPECT_EQ(read_audit(database(), 1).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Ledger, AccountBookTest, ::testing::Values("sqlite", "postgres"), kind_of);

}  // namespace
}  // namespace fathom::testing
