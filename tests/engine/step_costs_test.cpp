#include "fathom/engine/step_costs.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

void took_often(StepCosts& costs, std::int64_t rows, double seconds) {
  for (int pass = 0; pass < 6; ++pass) costs.took(rows, seconds);
}

TEST(StepCostsTest, NothingIsKnownBeforeAFewPasses) {
  StepCosts costs;
  EXPECT_FALSE(costs.known());
  EXPECT_EQ(costs.seconds(1), 0.0);
  costs.took(0, 1.0);
  costs.took(1, 0.0);
  EXPECT_FALSE(costs.known());
  for (int pass = 0; pass < 3; ++pass) costs.took(1, 0.010);
  EXPECT_FALSE(costs.known());
  costs.took(1, 0.010);
  EXPECT_TRUE(costs.known());
  EXPECT_DOUBLE_EQ(costs.seconds(1), 0.010);
}

TEST(StepCostsTest, OneMoreRowIsTakenForCheapUntilItWasTried) {
  StepCosts costs;
  took_often(costs, 1, 0.010);
  EXPECT_GT(costs.seconds(2), 0.010);
  EXPECT_LT(costs.seconds(2), 0.011);
  costs.took(2, 0.090);  // met cold memory
  EXPECT_LT(costs.seconds(2), 0.011) << "one pass is not enough";
  took_often(costs, 2, 0.012);
  EXPECT_NEAR(costs.seconds(2), 0.012, 1e-4);
}

TEST(StepCostsTest, BetweenAndBeyondWhatWasSeenItGoesStraightOn) {
  StepCosts costs;
  took_often(costs, 2, 0.010);
  took_often(costs, 4, 0.014);
  took_often(costs, 8, 0.026);
  EXPECT_NEAR(costs.seconds(3), 0.012, 1e-9);
  EXPECT_NEAR(costs.seconds(6), 0.020, 1e-9);
  EXPECT_NEAR(costs.seconds(10), 0.032, 1e-9);
  EXPECT_NEAR(costs.seconds(1), 0.008, 1e-9);
}

// Prompts of thirty tokens that waited for something must not keep a second row from being tried.
TEST(StepCostsTest, FarFromWhatWasSeenRowsAreCheapUntilTried) {
  StepCosts costs;
  took_often(costs, 1, 0.010);
  took_often(costs, 30, 0.500);
  EXPECT_LT(costs.seconds(2), 0.011);
  EXPECT_NEAR(costs.seconds(30), 0.500, 1e-9);
  took_often(costs, 2, 0.015);
  EXPECT_NEAR(costs.seconds(2), 0.015, 1e-9);
  for (std::int64_t rows = 1; rows < 40; ++rows) EXPECT_LE(costs.seconds(rows), costs.seconds(rows + 1)) << rows;
}

TEST(StepCostsTest, BehindWhatWasTriedNothingIsCheap) {
  StepCosts costs;
  took_often(costs, 2, 0.014);
  took_often(costs, 3, 0.012);  // by chance: both are taken together
  took_often(costs, 30, 0.500);
  for (std::int64_t rows = 1; rows < 40; ++rows) EXPECT_LE(costs.seconds(rows), costs.seconds(rows + 1)) << rows;
}

TEST(StepCostsTest, MoreRowsNeverTakeLess) {
  StepCosts costs;
  took_often(costs, 1, 0.010);
  took_often(costs, 3, 0.030);  // by chance
  took_often(costs, 4, 0.020);
  took_often(costs, 6, 0.040);
  EXPECT_NEAR(costs.seconds(1), 0.010, 1e-9);
  EXPECT_LT(costs.seconds(3), costs.seconds(4));
  EXPECT_NEAR((costs.seconds(3) + costs.seconds(4)) / 2, 0.025, 1e-3) << "they are taken together";
  for (std::int64_t rows = 1; rows < 20; ++rows) EXPECT_LE(costs.seconds(rows), costs.seconds(rows + 1)) << rows;
}

TEST(StepCostsTest, PassesThatWaitedForOthersSayLittle) {
  StepCosts costs;
  for (int pass = 0; pass < 40; ++pass) costs.took(2, pass % 2 == 0 ? 0.010 : 0.050);
  EXPECT_NEAR(costs.seconds(2), 0.010, 1e-9);
}

TEST(StepCostsTest, LongerContextsMakeEveryPassLonger) {
  StepCosts costs;
  took_often(costs, 1, 0.010);
  took_often(costs, 4, 0.020);
  for (int pass = 1; pass <= 200; ++pass) costs.took(4, 0.020 + 0.0001 * pass);
  EXPECT_NEAR(costs.seconds(4), 0.040, 0.002);
  EXPECT_GT(costs.seconds(1), 0.013) << "although none of one row was seen again";
  EXPECT_LT(costs.seconds(1), 0.030);
}

TEST(StepCostsTest, BeyondAllThatIsLookedAtItGoesStraightOn) {
  StepCosts costs;
  took_often(costs, 1000, 0.5);
  EXPECT_FALSE(costs.known());
  took_often(costs, 32, 0.032);
  took_often(costs, 64, 0.064);
  EXPECT_NEAR(costs.seconds(200), 0.200, 1e-9) << "many rows are never for nothing";
}

}  // namespace
}  // namespace fathom
