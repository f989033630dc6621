#include "fathom/engine/linear_pace.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fathom {
namespace {

TEST(LinearPace, FindsTheLine) {
  LinearPace pace;
  for (const double amount : {1.0, 4.0, 2.0, 9.0, 7.0}) pace.took(amount, 0.5 + 0.25 * amount);
  ASSERT_TRUE(pace.known());
  EXPECT_NEAR(pace.seconds(0.0), 0.5, 1e-9);
  EXPECT_NEAR(pace.seconds(100.0), 25.5, 1e-9);
}

TEST(LinearPace, KnowsNothingAtFirst) {
  LinearPace pace;
  EXPECT_EQ(pace.seconds(5.0), 0.0);
  for (int measured = 0; measured < 3; ++measured) pace.took(1.0, 1.0);
  EXPECT_FALSE(pace.known());
  pace.took(1.0, 1.0);
  EXPECT_TRUE(pace.known());
  EXPECT_EQ(pace.seconds(5.0), 1.0) << "all of one amount: nothing is known of others";
}

TEST(LinearPace, NeverShrinksAndNeverBeginsBelowNothing) {
  LinearPace falling;
  for (const double amount : {1.0, 2.0, 3.0, 4.0}) falling.took(amount, 10.0 - amount);
  EXPECT_GE(falling.seconds(100.0), falling.seconds(1.0));
  LinearPace steep;
  for (const double amount : {10.0, 11.0, 12.0, 13.0}) steep.took(amount, amount - 9.0);
  EXPECT_GT(steep.seconds(1.0), 0.0);
  EXPECT_LT(steep.seconds(1.0), steep.seconds(12.0));
}

TEST(LinearPace, TheNewestCountMost) {
  LinearPace pace;
  for (int measured = 0; measured < 100; ++measured) pace.took(measured % 5, 1.0);
  for (int measured = 0; measured < 100; ++measured) pace.took(measured % 5, 3.0);
  EXPECT_NEAR(pace.seconds(2.0), 3.0, 0.05);
}

}  // namespace
}  // namespace fathom
