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
  took_often(costs, 1, 0.010);
  took_often(costs, 3, 0.010);
  took_often(costs, 5, 0.018);
  EXPECT_NEAR(costs.seconds(4), 0.014, 1e-9);
  EXPECT_NEAR(costs.seconds(7), 0.026, 1e-9);
  EXPECT_NEAR(costs.seconds(2), 0.010, 1e-9);
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

TEST(StepCostsTest, ManyRowsCountAsTheMostThatAreTold) {
  StepCosts costs;
  took_often(costs, 1000, 0.5);
  EXPECT_DOUBLE_EQ(costs.seconds(64), 0.5);
  EXPECT_DOUBLE_EQ(costs.seconds(4096), 0.5);
}

}  // namespace
}  // namespace fathom
