#include "fathom/engine/acceptance.h"

#include <gtest/gtest.h>

#include <limits>

#include "fathom/base/error.h"

namespace fathom {
namespace {

DraftedToken drafted(Drafter drafter, std::int64_t depth = 1, std::int64_t surety = 0) {
  return {.token = 1, .drafter = drafter, .depth = depth, .surety = surety};
}

TEST(AcceptanceTest, WhatASequenceShowsOutweighsWhatAllShowed) {
  Acceptance all;
  Acceptance own(&all);
  for (int time = 0; time < 100; ++time) all.note(drafted(Drafter::mtp), true);
  const double before = own.expected(Drafter::mtp, 1);
  EXPECT_GT(before, 0.9);
  for (int time = 0; time < 60; ++time) own.note(drafted(Drafter::mtp), false);
  EXPECT_LT(own.expected(Drafter::mtp, 1), 0.15);
  EXPECT_GT(Acceptance(&all).expected(Drafter::mtp, 1), 0.9) << "another one begins with what all showed";
}

TEST(AcceptanceTest, DraftersDepthsAndSuretiesAreToldApart) {
  Acceptance all;
  for (int time = 0; time < 200; ++time) {
    all.note(drafted(Drafter::mtp, 1, 7), true);
    all.note(drafted(Drafter::mtp, 1, 1), false);
    all.note(drafted(Drafter::lookup, 1, 1), true);
    all.note(drafted(Drafter::mtp, 3, 7), time % 2 == 0);
  }
  EXPECT_GT(all.of(drafted(Drafter::mtp, 1, 7)), 0.98);
  EXPECT_LT(all.of(drafted(Drafter::mtp, 1, 1)), 0.02);
  EXPECT_GT(all.of(drafted(Drafter::lookup, 1, 1)), 0.98);
  EXPECT_NEAR(all.of(drafted(Drafter::mtp, 2, 7)), 0.5, 0.02) << "later tokens share a scale";
  EXPECT_NEAR(all.expected(Drafter::mtp, 1), 0.5, 0.02);
  EXPECT_NEAR(all.expected(Drafter::mtp, 3), 0.5, 0.02);
}

TEST(AcceptanceTest, OldTriesFade) {
  Acceptance all;
  Acceptance own(&all);
  for (int time = 0; time < 1000; ++time) own.note(drafted(Drafter::mtp), false);
  for (int time = 0; time < 150; ++time) own.note(drafted(Drafter::mtp), true);
  EXPECT_GT(own.expected(Drafter::mtp, 1), 0.75);
}

TEST(AcceptanceTest, WhatTheGrammarForcesIsRight) {
  const Acceptance all;
  EXPECT_GT(all.of(drafted(Drafter::forced)), 0.99);
  EXPECT_GT(all.expected(Drafter::forced, 5), 0.99);
}

TEST(AcceptanceTest, SuretiesStayOnTheirScale) {
  EXPECT_EQ(surety_of_margin(-3.0F), 0);
  EXPECT_EQ(surety_of_margin(0.0F), 0);
  EXPECT_EQ(surety_of_margin(std::numeric_limits<float>::quiet_NaN()), 0);
  EXPECT_EQ(surety_of_margin(0.1F), 1);
  EXPECT_LT(surety_of_margin(1.0F), surety_of_margin(4.0F));
  EXPECT_EQ(surety_of_margin(1e30F), DraftedToken::kSureties - 1);
  EXPECT_EQ(surety_of_match(2), 0);
  EXPECT_EQ(surety_of_match(1000), DraftedToken::kSureties - 1);
}

TEST(AcceptanceTest, DepthsBeyondAllDraftsAreRefused) {
  Acceptance all;
  EXPECT_THROW(all.note(drafted(Drafter::mtp, kMostDrafts + 1), true), InternalError);
  EXPECT_THROW(all.note(drafted(Drafter::mtp, 0), true), InternalError);
}

}  // namespace
}  // namespace fathom
