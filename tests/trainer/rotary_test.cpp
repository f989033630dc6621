#include "fathom/trainer/rotary.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using testing::expect_gradients;
using testing::normal;
using testing::probe;

const std::vector<float> kFrequencies{1.0F, 0.25F, 0.01F};

TEST(TrainerRotary, TurnsTheLastColumnsInNeighbouringPairs) {
  const torch::Tensor positions = torch::tensor({0, 3, 250}, torch::kInt64);
  const torch::Tensor turns = rotary_turns(positions, torch::tensor(kFrequencies), torch::kFloat64);
  const torch::Tensor x = normal({3, 2, 10}, 1).detach();
  const torch::Tensor y = rotate(x, turns);
  for (std::int64_t token = 0; token < 3; ++token)
    for (std::int64_t head = 0; head < 2; ++head) {
      const auto at = [&](const torch::Tensor& values, std::int64_t column) {
        return values[token][head][column].item<double>();
      };
      for (std::int64_t column = 0; column < 4; ++column) EXPECT_EQ(at(y, column), at(x, column));
      for (std::int64_t pair = 0; pair < 3; ++pair) {
        const double angle = positions[token].item<double>() * static_cast<double>(kFrequencies[pair]);
        const double first = at(x, 4 + 2 * pair);
        const double second = at(x, 5 + 2 * pair);
        EXPECT_NEAR(at(y, 4 + 2 * pair), first * std::cos(angle) - second * std::sin(angle), 1e-12);
        EXPECT_NEAR(at(y, 5 + 2 * pair), first * std::sin(angle) + second * std::cos(angle), 1e-12);
      }
    }
  EXPECT_TRUE(rotate(y, turns, true).allclose(x, 1e-12, 1e-12));
}

TEST(TrainerRotary, OddRowsTurnToo) {
  const torch::Tensor turns = rotary_turns(torch::arange(5), torch::tensor(kFrequencies), torch::kFloat64);
  const torch::Tensor x = normal({5, 2, 9}, 1).detach();
  const torch::Tensor y = rotate(x, turns);
  EXPECT_TRUE(y.narrow(2, 0, 3).equal(x.narrow(2, 0, 3)));
  EXPECT_TRUE(y.narrow(2, 1, 8).allclose(rotate(x.narrow(2, 1, 8), turns), 1e-12, 1e-12));
}

TEST(TrainerRotary, Gradients) {
  const torch::Tensor turns = rotary_turns(torch::arange(5), torch::tensor(kFrequencies), torch::kFloat64);
  const torch::Tensor x = normal({5, 2, 8}, 1);
  expect_gradients([&] { return probe(rotate(x, turns)); }, {x});
  expect_gradients([&] { return probe(rotate(x, turns, true)); }, {x});
}

}  // namespace
}  // namespace fathom::train
