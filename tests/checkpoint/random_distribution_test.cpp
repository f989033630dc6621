#include "fathom/checkpoint/random_distribution.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(RandomDistribution, LinearMapsKeepTheSizeOfWhatPassesThem) {
  const TensorSpec attention{.name = "wq_a", .role = TensorRole::attention, .linear = true, .shape = {7, 400}};
  EXPECT_FLOAT_EQ(random_distribution(attention).deviation, 1.0F / 20.0F);
  const TensorSpec head{.name = "head", .role = TensorRole::head, .linear = true, .shape = {7, 400}};
  EXPECT_FLOAT_EQ(random_distribution(head).deviation, 2.0F / 20.0F);
  EXPECT_EQ(random_distribution(attention).mean, 0.0F);
}

TEST(RandomDistribution, NormsStayPositive) {
  const RandomDistribution norm = random_distribution({.name = "norm.weight", .role = TensorRole::norm, .shape = {9}});
  RandomValues random(1, "norm");
  for (int draw = 0; draw < 100'000; ++draw) ASSERT_GE(norm.draw(random), 0.05F);
}

}  // namespace
}  // namespace fathom
