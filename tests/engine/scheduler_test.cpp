#include "fathom/engine/scheduler.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fathom {
namespace {

std::map<SequenceId, std::int64_t> runs_of(const StepPlan& plan) {
  std::map<SequenceId, std::int64_t> runs;
  for (const auto& [id, tokens] : plan.runs) runs[id] += tokens;
  return runs;
}

constexpr std::int64_t kAnyRoom = 1 << 20;

TEST(Scheduler, ALongPromptAndAShortOneShareTheStep) {
  Scheduler scheduler({.step_tokens = 256, .sequences = 8});
  scheduler.join(0, "", 100'000);
  EXPECT_EQ(runs_of(scheduler.plan(kAnyRoom)), (std::map<SequenceId, std::int64_t>{{0, 256}}));
  scheduler.join(1, "", 100);
  const auto runs = runs_of(scheduler.plan(kAnyRoom));
  EXPECT_EQ(runs.at(1), 100) << "read in its first step";
  EXPECT_EQ(runs.at(0), 156);
}

TEST(Scheduler, WhoDecodesGoesFirstAndPromptsHaveTheRoomTheyAreGiven) {
  Scheduler scheduler({.step_tokens = 256, .sequences = 8});
  scheduler.join(0, "", 3);
  scheduler.plan(kAnyRoom);
  scheduler.grow(0);
  scheduler.join(1, "", 1000);
  const StepPlan plan = scheduler.plan(20);
  ASSERT_EQ(plan.runs.size(), 2U);
  EXPECT_EQ(plan.runs[0].sequence, 0);
  EXPECT_EQ(plan.runs[0].tokens, 1);
  EXPECT_EQ(plan.runs[1].tokens, 20);
  EXPECT_EQ(plan.prompt_tokens, 20);
}

TEST(Scheduler, AnAccountWithManyUsersGetsNoMore) {
  Scheduler scheduler({.step_tokens = 128, .sequences = 8});
  SequenceId next = 0;
  for (; next < 20; ++next) scheduler.join(next, fmt::format("user {}", next), 100'000, "crowd");
  const SequenceId one = next++;
  scheduler.join(one, "user", 100'000, "single");
  std::int64_t of_crowd = 0;
  std::int64_t of_one = 0;
  for (int step = 0; step < 200; ++step)
    for (const auto& [id, tokens] : scheduler.plan(kAnyRoom).runs) (id == one ? of_one : of_crowd) += tokens;
  EXPECT_NEAR(static_cast<double>(of_one), static_cast<double>(of_crowd), 64.0);
  scheduler.leave(one);
  const SequenceId late = next++;
  scheduler.join(late, "another", 10, "late");
  EXPECT_EQ(runs_of(scheduler.plan(kAnyRoom)).count(late), 1U) << "before the twelve of the crowd that wait";
}

TEST(Scheduler, DraftsTakeRoomThatIsLeftAndHalfOfItWherePromptsWait) {
  Scheduler scheduler({.step_tokens = 20, .sequences = 8});
  for (const SequenceId id : {0, 1}) scheduler.join(id, "", 3);
  scheduler.plan(kAnyRoom);
  for (const SequenceId id : {0, 1}) scheduler.grow(id);
  for (const SequenceId id : {0, 1}) scheduler.propose(id, 7);
  EXPECT_EQ(runs_of(scheduler.plan(kAnyRoom)), (std::map<SequenceId, std::int64_t>{{0, 8}, {1, 8}}));
  scheduler.grow(0, 3, 5);  // two of seven were right
  scheduler.grow(1, 8, 0);
  EXPECT_EQ(runs_of(scheduler.plan(kAnyRoom)), (std::map<SequenceId, std::int64_t>{{0, 1}, {1, 1}}))
      << "none is proposed";
  for (const SequenceId id : {0, 1}) scheduler.grow(id);
  for (const SequenceId id : {0, 1}) scheduler.propose(id, 7);
  scheduler.join(2, "", 100);
  const StepPlan plan = scheduler.plan(kAnyRoom);
  const auto runs = runs_of(plan);
  EXPECT_EQ(runs.at(0) + runs.at(1), 2 + 9);
  EXPECT_EQ(runs.at(2), 9);
  EXPECT_EQ(plan.prompt_tokens, 9);
}

TEST(Scheduler, NobodyIsParkedForADraft) {
  const CacheCost cost{.state_bytes = 100, .page_bytes = 10, .page_tokens = 8};
  Scheduler scheduler({.step_tokens = 64, .sequences = 8, .cache_bytes = 2 * 100 + 3 * 10, .cost = cost});
  scheduler.join(0, "", 4);
  scheduler.plan(kAnyRoom);
  scheduler.grow(0);
  scheduler.join(1, "", 4);
  scheduler.plan(kAnyRoom);
  scheduler.grow(0);
  scheduler.grow(1);
  scheduler.plan(kAnyRoom);
  scheduler.grow(0);  // 7 tokens, 6 of them read
  scheduler.grow(1);
  scheduler.propose(0, 7);
  scheduler.propose(1, 7);
  const StepPlan plan = scheduler.plan(kAnyRoom);
  EXPECT_TRUE(plan.parked.empty());
  const auto runs = runs_of(plan);
  EXPECT_EQ(runs.at(0), 1 + 7) << "the page that is free";
  EXPECT_LE(runs.at(1), 8 - 5) << "as far as its own page goes";
  EXPECT_GE(runs.at(1), 1);
  EXPECT_LE(scheduler.cache_bytes(), 2 * 100 + 3 * 10);
}

TEST(Scheduler, UsersGetTheSameHoweverMuchTheyAsk) {
  Scheduler scheduler({.step_tokens = 128, .sequences = 64});
  SequenceId next = 0;
  for (; next < 15; ++next) scheduler.join(next, "many", 100'000);
  const SequenceId one = next;
  scheduler.join(one, "one", 100'000);
  std::int64_t of_many = 0;
  std::int64_t of_one = 0;
  for (int step = 0; step < 200; ++step)
    for (const auto& [id, tokens] : scheduler.plan(kAnyRoom).runs) (id == one ? of_one : of_many) += tokens;
  EXPECT_NEAR(static_cast<double>(of_one), static_cast<double>(of_many), 64.0);
}

TEST(Scheduler, PlacesGoToTheLeastServedUser) {
  Scheduler scheduler({.step_tokens = 64, .sequences = 2});
  for (SequenceId id = 0; id < 10; ++id) scheduler.join(id, "many", 10);
  EXPECT_EQ(scheduler.plan(kAnyRoom).admitted, (std::vector<SequenceId>{0, 1}));
  scheduler.join(10, "one", 10);
  scheduler.leave(0);
  EXPECT_EQ(scheduler.plan(kAnyRoom).admitted, std::vector<SequenceId>{10}) << "before the eight that came earlier";
  EXPECT_EQ(scheduler.waiting(), 8);
}

TEST(Scheduler, NoMoreRunThanAStepHasTokens) {
  Scheduler scheduler({.step_tokens = 2, .sequences = 5});
  for (SequenceId id = 0; id < 5; ++id) scheduler.join(id, "", 1);
  EXPECT_EQ(scheduler.plan(kAnyRoom).runs.size(), 2U);
  scheduler.grow(0);
  scheduler.grow(1);
  EXPECT_EQ(runs_of(scheduler.plan(kAnyRoom)), (std::map<SequenceId, std::int64_t>{{0, 1}, {1, 1}}));
  EXPECT_EQ(scheduler.waiting(), 3);
}

TEST(Scheduler, WhatDoesNotFitWaitsAndIsNotOvertaken) {
  // A page of 10 bytes holds 4 tokens; the state takes 5.
  Scheduler scheduler({.step_tokens = 64, .sequences = 8, .cache_bytes = 100, .cost = {5, 10, 4}});
  scheduler.join(0, "", 20);  // 21 tokens: 6 pages, 65 bytes
  scheduler.join(1, "", 20);
  scheduler.join(2, "", 1);
  EXPECT_EQ(scheduler.plan(kAnyRoom).admitted, std::vector<SequenceId>{0});
  EXPECT_TRUE(scheduler.short_of_memory());
  EXPECT_EQ(scheduler.cache_bytes(), 65);
  EXPECT_EQ(scheduler.waiting(), 2);
  scheduler.leave(0);
  EXPECT_EQ(scheduler.plan(kAnyRoom).admitted, (std::vector<SequenceId>{1, 2}));
  EXPECT_FALSE(scheduler.short_of_memory());
}

TEST(Scheduler, WhoCameLastMakesRoomAndComesBack) {
  Scheduler scheduler({.step_tokens = 64, .sequences = 8, .cache_bytes = 60, .cost = {0, 10, 4}});
  scheduler.join(0, "", 7);
  scheduler.join(1, "", 7);
  StepPlan plan = scheduler.plan(kAnyRoom);
  ASSERT_EQ(plan.admitted.size(), 2U);
  bool was_parked = false;
  for (int step = 0; step < 14; ++step) {
    for (const auto& [id, tokens] : plan.runs) scheduler.grow(id);
    plan = scheduler.plan(kAnyRoom);
    EXPECT_LE(scheduler.cache_bytes(), 60);
    EXPECT_TRUE(runs_of(plan).contains(0)) << "the first one never waits";
    if (!plan.parked.empty()) {
      EXPECT_EQ(plan.parked, std::vector<SequenceId>{1});
      was_parked = true;
    } else if (was_parked) {
      EXPECT_TRUE(plan.admitted.empty()) << "it would only be parked again";
    }
  }
  ASSERT_TRUE(was_parked);
  scheduler.leave(0);
  plan = scheduler.plan(kAnyRoom);
  EXPECT_EQ(plan.admitted, std::vector<SequenceId>{1});
  EXPECT_GT(runs_of(plan).at(1), 7) << "its prompt and what it had sampled";
}

// Whatever comes and goes: limits hold, no token is planned twice or out of order, everyone ends.
TEST(Scheduler, RandomTrafficKeepsEveryLimit) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    const auto between = [&](std::int64_t low, std::int64_t high) {
      return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    const CacheCost cost{between(0, 50), between(1, 40), between(1, 16)};
    const std::int64_t most = 60;  // tokens of one sequence
    const SchedulerLimits limits{.step_tokens = between(1, 50),
                                 .sequences = between(1, 6),
                                 .cache_bytes = between(0, 3) == 0 ? 0 : cost.bytes(most + 1) + between(0, 400),
                                 .cost = cost};
    Scheduler scheduler(limits);
    struct Real {
      std::int64_t tokens = 0;
      std::int64_t read = 0;
      std::int64_t until = 0;
      bool has_cache = false;
    };
    std::map<SequenceId, Real> alive;
    SequenceId next = 0;
    const SequenceId last = 25;
    for (int step = 0; next < last || !alive.empty(); ++step) {
      ASSERT_LT(step, 20'000) << "seed " << seed;
      while (next < last && between(0, 2) == 0) {
        const std::int64_t tokens = between(1, most - 1);
        scheduler.join(next, std::string(static_cast<std::size_t>(between(0, 2)), 'u'), tokens);
        alive[next++] = {.tokens = tokens, .until = between(tokens + 1, most)};
      }
      if (!alive.empty() && between(0, 20) == 0) {
        scheduler.leave(alive.begin()->first);
        alive.erase(alive.begin());
      }
      const StepPlan plan = scheduler.plan(between(1, 30));
      for (const SequenceId id : plan.parked) alive.at(id) = {alive.at(id).tokens, 0, alive.at(id).until, false};
      for (const SequenceId id : plan.admitted) {
        ASSERT_FALSE(alive.at(id).has_cache);
        alive.at(id).has_cache = true;
      }
      std::int64_t total = 0;
      for (const auto& [id, tokens] : plan.runs) {
        Real& real = alive.at(id);
        ASSERT_TRUE(real.has_cache) << "seed " << seed;
        ASSERT_GE(tokens, 1);
        real.read += tokens;
        total += tokens;
        ASSERT_LE(real.read, real.tokens);
      }
      ASSERT_LE(total, limits.step_tokens);
      if (!alive.empty()) {
        ASSERT_GE(total, 1) << "the machine never idles while somebody waits, seed " << seed;
      }
      std::int64_t running = 0;
      std::int64_t needed = 0;
      for (const auto& [id, real] : alive)
        if (real.has_cache) {
          ++running;
          needed += cost.bytes(real.read);
        }
      ASSERT_EQ(running, scheduler.running());
      ASSERT_LE(running, limits.sequences);
      if (limits.cache_bytes > 0) {
        ASSERT_LE(needed, scheduler.cache_bytes()) << "seed " << seed;
        ASSERT_LE(scheduler.cache_bytes(), limits.cache_bytes) << "seed " << seed;
      }
      for (const auto& [id, tokens] : plan.runs) {
        Real& real = alive.at(id);
        if (real.read < real.tokens) continue;
        if (++real.tokens >= real.until) {
          scheduler.leave(id);
          alive.erase(id);
        } else {
          scheduler.grow(id);
        }
      }
    }
    EXPECT_EQ(scheduler.cache_bytes(), 0);
    EXPECT_EQ(scheduler.running(), 0);
  }
}

// One whose beginning is on its way is left out; nobody else waits for it.
TEST(Scheduler, HeldSequencesHoldNobodyUp) {
  Scheduler scheduler({.step_tokens = 64, .sequences = 8});
  for (SequenceId id = 0; id < 3; ++id) {
    scheduler.join(id, "", 10);
    scheduler.hold(id, id != 1);
  }
  EXPECT_EQ(runs_of(scheduler.plan(kAnyRoom)), (std::map<SequenceId, std::int64_t>{{1, 10}}));
  EXPECT_EQ(scheduler.waiting(), 2);
  EXPECT_FALSE(scheduler.short_of_memory());
  scheduler.hold(2, false);
  EXPECT_EQ(scheduler.plan(kAnyRoom).admitted, std::vector<SequenceId>{2});
  scheduler.leave(0);
  EXPECT_EQ(scheduler.waiting(), 0);
}

// What is kept may ask for it too, when a sequence's turn has come.
TEST(Scheduler, AClaimMayWait) {
  class Kept final : public KeptMemory {
   public:
    Claim claim(SequenceId id) override { return {.tokens = 4, .wait = id == 0 && asked++ == 0}; }
    void forgo(SequenceId /*id*/) override {}
    void retire(SequenceId /*id*/) override {}
    std::int64_t bytes() const override { return 0; }
    std::int64_t spare_bytes() const override { return 0; }
    void release(std::int64_t /*bytes*/) override {}
    int asked = 0;
  };
  Kept kept;
  Scheduler scheduler({.step_tokens = 64, .sequences = 8}, &kept);
  scheduler.join(0, "", 10);
  scheduler.join(1, "", 10);
  EXPECT_EQ(runs_of(scheduler.plan(kAnyRoom)), (std::map<SequenceId, std::int64_t>{{1, 6}}));
  EXPECT_TRUE(scheduler.plan(kAnyRoom).admitted.empty());
  scheduler.hold(0, false);
  EXPECT_EQ(runs_of(scheduler.plan(kAnyRoom)), (std::map<SequenceId, std::int64_t>{{0, 6}}));
}

}  // namespace
}  // namespace fathom
