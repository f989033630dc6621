#include "fathom/engine/draft_depth.h"

#include <gtest/gtest.h>

#include <vector>

namespace fathom {
namespace {

// A pass of `rows` takes 10 + more * (rows - 1) milliseconds.
StepCosts costs(double more) {
  StepCosts costs;
  for (std::int64_t rows = 1; rows <= 17; ++rows)
    for (int pass = 0; pass < 5; ++pass) costs.took(rows, 0.010 + 0.001 * more * static_cast<double>(rows - 1));
  return costs;
}

TEST(DraftDepthTest, NothingIsDraftedBeforeAStepWasMeasured) {
  EXPECT_EQ(best_depth({}, StepCosts(), std::vector<double>(7, 1.0)).depth, 0);
}

TEST(DraftDepthTest, FreeRowsAreTakenAndCertainOnesToo) {
  EXPECT_EQ(best_depth({}, costs(0.001), std::vector<double>(7, 0.5)).depth, 7);
  const DraftDepth sure = best_depth({.drafted = 7}, costs(3.0), std::vector<double>(7, 1.0));
  EXPECT_EQ(sure.depth, 7);
  EXPECT_DOUBLE_EQ(sure.tokens, 7.0);
  EXPECT_NEAR(sure.gain, 8.0 / 3.1, 1e-9);
}

TEST(DraftDepthTest, RowsThatCostMoreThanTheyGiveAreNot) {
  // One token in ten is right, a row costs half a step.
  EXPECT_EQ(best_depth({}, costs(5.0), std::vector<double>(7, 0.1)).depth, 0);
  // 1.6 tokens in 1.2 steps, 1.96 in 1.4, 2.18 in 1.6, ...: 1.400, 1.361
  EXPECT_EQ(best_depth({}, costs(2.0), std::vector<double>{0.6, 0.6, 0.6}).depth, 2);
}

TEST(DraftDepthTest, WhatMustBeDraftedStillCosts) {
  const std::vector<double> rates(3, 0.5);
  EXPECT_EQ(best_depth({.draft_seconds = 0.0}, costs(1.0), rates).depth, 2);
  EXPECT_EQ(best_depth({.draft_seconds = 0.010}, costs(1.0), rates).depth, 0);
  EXPECT_GT(best_depth({.draft_seconds = 0.010, .drafted = 3}, costs(1.0), rates).depth, 0) << "that is spent already";
}

TEST(DraftDepthTest, InALargeBatchARowMustGiveAsMuchAsTheOthers) {
  // Sixteen sequences whose step takes 25 ms give 0.64 tokens a millisecond: a row of one millisecond must be right
  // more often than that.
  const StepOutlook crowd{.tokens = 16.0, .rows = 16};
  EXPECT_EQ(best_depth(crowd, costs(1.0), std::vector<double>{0.6}).depth, 0);
}

TEST(DraftDepthTest, OfABatchTheBestRowsAreTaken) {
  const StepOutlook batch{.tokens = 4.0, .rows = 4};
  // A step of 13 ms for four; rows of a millisecond: 0.9 and 0.8 are above 4 / 13 a millisecond, 0.1 is not.
  const RowChoice there = best_rows(batch, costs(1.0), {}, std::vector<double>{0.9, 0.8, 0.1}, 1.0);
  EXPECT_EQ(there.rows, 2);
  EXPECT_NEAR(there.gain, 5.7 / 15.0 * 13.0 / 4.0, 1e-6);
  EXPECT_EQ(best_rows(batch, costs(1.0), {}, std::vector<double>{0.9, 0.8, 0.1}, 1.3).rows, 0) << "too little";
  const DraftingSeconds drafting = [](std::int64_t rows) { return 0.002 + 0.00005 * static_cast<double>(rows); };
  const std::vector<double> alone{0.8}, together{0.8, 0.8, 0.8, 0.8};
  EXPECT_EQ(best_rows(batch, costs(1.0), drafting, alone, 1.0).rows, 0) << "a pass for one";
  EXPECT_EQ(best_rows(batch, costs(1.0), drafting, together, 1.0).rows, 4) << "a pass for four";
  EXPECT_EQ(best_rows(batch, StepCosts(), {}, together, 1.0).rows, 0) << "nothing is known";
}

}  // namespace
}  // namespace fathom
