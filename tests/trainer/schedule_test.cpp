#include "fathom/trainer/schedule.h"

#include <gtest/gtest.h>

namespace fathom::train {
namespace {

TEST(Schedule, WarmUpConstantCosine) {
  const LearningRate rate{.begin = 0.0, .peak = 1.0, .end = 0.1, .warmup_steps = 10, .decay_from = 0.6};
  EXPECT_DOUBLE_EQ(learning_rate_at(rate, 0, 100), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate_at(rate, 4, 100), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(rate, 9, 100), 1.0);
  EXPECT_DOUBLE_EQ(learning_rate_at(rate, 59, 100), 1.0);
  EXPECT_EQ(first_decay_step(rate, 100), 60);
  EXPECT_LT(learning_rate_at(rate, 60, 100), 1.0);
  EXPECT_NEAR(learning_rate_at(rate, 79, 100), 0.55, 1e-12);  // half of the way
  EXPECT_NEAR(learning_rate_at(rate, 99, 100), 0.1, 1e-12);
}

TEST(Schedule, LinearAndNever) {
  const LearningRate linear{.peak = 1.0, .end = 0.0, .decay_from = 0.0, .shape = DecayShape::linear};
  EXPECT_DOUBLE_EQ(learning_rate_at(linear, 0, 4), 0.75);
  EXPECT_DOUBLE_EQ(learning_rate_at(linear, 3, 4), 0.0);
  const LearningRate constant{.peak = 0.5, .end = 0.1};
  EXPECT_EQ(first_decay_step(constant, 7), 7);
  EXPECT_DOUBLE_EQ(learning_rate_at(constant, 6, 7), 0.5);
}

TEST(Schedule, DecayNeverBeginsInsideTheWarmUp) {
  const LearningRate rate{.peak = 1.0, .end = 0.0, .warmup_steps = 8, .decay_from = 0.1};
  EXPECT_EQ(first_decay_step(rate, 10), 8);
  EXPECT_DOUBLE_EQ(learning_rate_at(rate, 7, 10), 1.0);
  EXPECT_EQ(first_decay_step(rate, 5), 5);  // a stage shorter than its warm-up
}

}  // namespace
}  // namespace fathom::train
