#include "fathom/engine/step_costs.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(StepCostsTest, NothingIsKnownBeforeTheFirstPass) {
  StepCosts costs;
  EXPECT_FALSE(costs.known());
  EXPECT_EQ(costs.seconds(1), 0.0);
  costs.took(0, 1.0);
  costs.took(1, 0.0);
  EXPECT_FALSE(costs.known());
}

TEST(StepCostsTest, OneMoreRowIsTakenForCheapUntilItWasTried) {
  StepCosts costs;
  costs.took(1, 0.010);
  EXPECT_DOUBLE_EQ(costs.seconds(1), 0.010);
  EXPECT_GT(costs.seconds(2), 0.010);
  EXPECT_LT(costs.seconds(2), 0.011);
}

TEST(StepCostsTest, BetweenAndBeyondWhatWasSeenItGoesStraightOn) {
  StepCosts costs;
  costs.took(1, 0.010);
  costs.took(3, 0.010);  // the first of them drifts with nothing
  costs.took(5, 0.018);
  EXPECT_DOUBLE_EQ(costs.seconds(4), 0.014);
  EXPECT_DOUBLE_EQ(costs.seconds(7), 0.026);
  EXPECT_DOUBLE_EQ(costs.seconds(2), 0.010);
}

TEST(StepCostsTest, OnePassThatWaitedSaysLittle) {
  StepCosts costs;
  for (int pass = 0; pass < 20; ++pass) costs.took(2, 0.010);
  costs.took(2, 5.0);
  EXPECT_LT(costs.seconds(2), 0.012);
}

TEST(StepCostsTest, LongerContextsMakeEveryPassLonger) {
  StepCosts costs;
  for (int pass = 0; pass < 10; ++pass) costs.took(1, 0.010);
  for (int pass = 0; pass < 10; ++pass) costs.took(4, 0.020);
  for (int pass = 0; pass < 200; ++pass) costs.took(4, 0.040);
  EXPECT_NEAR(costs.seconds(4), 0.040, 0.001);
  EXPECT_GT(costs.seconds(1), 0.013) << "although none of one row was seen again";
}

TEST(StepCostsTest, ManyRowsCountAsTheMostThatAreTold) {
  StepCosts costs;
  costs.took(1000, 0.5);
  EXPECT_DOUBLE_EQ(costs.seconds(64), 0.5);
  EXPECT_DOUBLE_EQ(costs.seconds(4096), 0.5);
}

}  // namespace
}  // namespace fathom
