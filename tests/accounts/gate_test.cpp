#include "fathom/accounts/gate.h"

#include <gtest/gtest.h>

#include "fathom/accounts/calendar.h"

namespace fathom::accounts {
namespace {

constexpr std::int64_t kNow = 20'000 * kDaySeconds + 1000;

Access access(const Limits& of_account, const Limits& of_key, const std::string& key = "k1") {
  return {.keys_exist = true,
          .key = ApiKey{.id = key, .account = "red", .limits = of_key},
          .account = Account{.name = "red", .limits = of_account}};
}

std::shared_ptr<Gate::Pass> inside(const Gate::Verdict& verdict) {
  const auto* pass = std::get_if<std::shared_ptr<Gate::Pass>>(&verdict);
  return pass == nullptr ? nullptr : *pass;
}

Overrun refused(const Gate::Verdict& verdict) { return std::get<Overrun>(verdict); }

TEST(Gate, WhoeverHasNoKeyOrLimitGoesIn) {
  Gate gate;
  const auto nobody = inside(gate.enter({}, kNow));
  ASSERT_NE(nobody, nullptr);
  EXPECT_FALSE(nobody->take_prompt(1'000'000, kNow).has_value());
  const auto free = inside(gate.enter(access({}, {}), kNow));
  EXPECT_FALSE(free->take_prompt(1'000'000'000, kNow).has_value());
}

TEST(Gate, RequestsAtATimeAreCountedByKeyAndByAccount) {
  Gate gate;
  const Access one = access({.in_flight = 3}, {.in_flight = 2}, "k1");
  const Access two = access({.in_flight = 3}, {.in_flight = 2}, "k2");
  auto first = inside(gate.enter(one, kNow));
  const auto second = inside(gate.enter(one, kNow));
  const Overrun over = refused(gate.enter(one, kNow));
  EXPECT_EQ(over.kind, Overrun::Kind::in_flight);
  EXPECT_EQ(over.found, 3);
  EXPECT_EQ(over.limit, 2);
  EXPECT_GT(over.retry_after_seconds, 0.0);
  const auto third = inside(gate.enter(two, kNow));
  EXPECT_NE(third, nullptr);
  EXPECT_EQ(refused(gate.enter(two, kNow)).limit, 3) << "the account is full";
  first.reset();
  EXPECT_NE(inside(gate.enter(one, kNow)), nullptr) << "whoever leaves makes room, refused ones took none";
}

TEST(Gate, AMinutesBucketFillsSteadily) {
  Gate gate;
  const Access key = access({}, {.tokens_per_minute = 600});
  const auto pass = inside(gate.enter(key, kNow));
  EXPECT_FALSE(pass->take_prompt(500, kNow).has_value());
  const Overrun over = pass->take_prompt(200, kNow).value();
  EXPECT_EQ(over.kind, Overrun::Kind::tokens_per_minute);
  EXPECT_EQ(over.limit, 600);
  EXPECT_DOUBLE_EQ(over.retry_after_seconds, 10.0) << "100 more, at ten a second";
  EXPECT_TRUE(pass->take_prompt(200, kNow + 9).has_value());
  EXPECT_FALSE(pass->take_prompt(200, kNow + 10).has_value());
  pass->take_answer(300);
  EXPECT_DOUBLE_EQ(refused(gate.enter(key, kNow + 10)).retry_after_seconds, 30.1) << "an answer is paid afterwards";
  EXPECT_EQ(inside(gate.enter(key, kNow + 40)), nullptr);
  EXPECT_NE(inside(gate.enter(key, kNow + 41)), nullptr);
}

TEST(Gate, APromptBeyondAMinuteWaitsForAFullBucket) {
  Gate gate;
  const auto pass = inside(gate.enter(access({.tokens_per_minute = 60}, {}), kNow));
  EXPECT_FALSE(pass->take_prompt(1000, kNow).has_value());
  EXPECT_TRUE(pass->take_prompt(1000, kNow + 900).has_value()) << "it has been paid, but the bucket is not full";
  EXPECT_FALSE(pass->take_prompt(1000, kNow + 1000).has_value());
}

TEST(Gate, ADayEndsAtMidnight) {
  Gate gate;
  Access key = access({.tokens_per_day = 1000}, {});
  key.account_tokens_today = 400;
  auto pass = inside(gate.enter(key, kNow));
  EXPECT_FALSE(pass->take_prompt(500, kNow).has_value());
  pass->take_answer(50);
  const Overrun over = pass->take_prompt(51, kNow).value();
  EXPECT_EQ(over.kind, Overrun::Kind::tokens_per_day);
  EXPECT_EQ(over.found, 1001);
  EXPECT_DOUBLE_EQ(over.retry_after_seconds, static_cast<double>(kDaySeconds - 1000));
  key.account_tokens_today = 1000;  // another server's requests
  EXPECT_EQ(refused(gate.enter(key, kNow)).kind, Overrun::Kind::tokens_per_day);
  key.account_tokens_today = 0;
  EXPECT_NE(inside(gate.enter(key, kNow + kDaySeconds)), nullptr);
}

TEST(Gate, ALimitThatComesLaterIsOwedNothing) {
  Gate gate;
  const auto free = inside(gate.enter(access({}, {}), kNow));
  EXPECT_FALSE(free->take_prompt(5'000'000, kNow).has_value());
  free->take_answer(1000);
  const Access limited = access({.tokens_per_minute = 1000}, {});
  const auto pass = inside(gate.enter(limited, kNow));
  ASSERT_NE(pass, nullptr);
  EXPECT_FALSE(pass->take_prompt(1000, kNow).has_value());
}

TEST(Gate, WhatWasNotReadIsGivenBack) {
  Gate gate;
  const Access limited = access({.tokens_per_minute = 1000, .tokens_per_day = 1500}, {});
  for (int time = 0; time < 5; ++time) {
    const auto pass = inside(gate.enter(limited, kNow));
    ASSERT_NE(pass, nullptr) << time;
    EXPECT_FALSE(pass->take_prompt(1000, kNow).has_value()) << time;
    pass->give_back(1000);
  }
}

TEST(Gate, YesterdaysSumIsNotTodays) {
  Gate gate;
  Access late = access({.tokens_per_day = 1000}, {});
  late.account_tokens_today = 990;
  late.today = day_of(kNow);  // and midnight passes
  const auto pass = inside(gate.enter(late, kNow + kDaySeconds));
  ASSERT_NE(pass, nullptr);
  EXPECT_FALSE(pass->take_prompt(900, kNow + kDaySeconds).has_value());
}

TEST(Gate, TheSmallerContextCounts) {
  Gate gate;
  EXPECT_EQ(inside(gate.enter(access({.context_tokens = 100}, {.context_tokens = 50}), kNow))->context_tokens(), 50);
  EXPECT_EQ(inside(gate.enter(access({.context_tokens = 100}, {}), kNow))->context_tokens(), 100);
  EXPECT_EQ(inside(gate.enter(access({}, {}), kNow))->context_tokens(), 0);
}

}  // namespace
}  // namespace fathom::accounts
