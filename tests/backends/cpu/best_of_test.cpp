#include "fathom/backends/cpu/best_of.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace fathom {
namespace {

std::vector<std::int32_t> best(const std::vector<float>& scores, std::size_t count) {
  Arena arena(host_allocator());
  std::vector<std::int32_t> chosen(count);
  best_of(scores, chosen, arena);
  return chosen;
}

TEST(BestOf, TheLargestFirst) {
  EXPECT_EQ(best({3, 9, 1, 7}, 2), (std::vector<std::int32_t>{1, 3}));
  EXPECT_EQ(best({-3, -9, -1, -7}, 2), (std::vector<std::int32_t>{2, 0}));
  EXPECT_EQ(best({5}, 1), (std::vector<std::int32_t>{0}));
  EXPECT_EQ(best({5, 4}, 2), (std::vector<std::int32_t>{0, 1}));
  EXPECT_TRUE(best({5, 4}, 0).empty());
}

TEST(BestOf, TiesGoToTheLowerIndex) {
  EXPECT_EQ(best({1, 2, 2, 2, 1}, 2), (std::vector<std::int32_t>{1, 2}));
  EXPECT_EQ(best({0.0F, -0.0F, 0.0F, -0.0F}, 2), (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(best({-0.0F, 0.0F, -0.0F}, 1), (std::vector<std::int32_t>{0}));
}

TEST(BestOf, ExtremesHaveTheirPlace) {
  const float infinity = HUGE_VALF;
  EXPECT_EQ(best({-infinity, 1e38F, infinity, 1e-45F}, 3), (std::vector<std::int32_t>{2, 1, 3}));
  EXPECT_EQ(best({0.0F, std::nanf(""), 3.0F}, 2), (std::vector<std::int32_t>{1, 2}));  // and no order is undefined
}

TEST(BestOf, AgainstASort) {
  std::mt19937 engine(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<float> scores(1 + engine() % 200);
    for (float& score : scores) score = static_cast<float>(static_cast<int>(engine() % 31) - 15) / 4;
    const std::size_t count = engine() % (scores.size() + 1);
    std::vector<std::int32_t> order(scores.size());
    for (std::size_t index = 0; index < order.size(); ++index) order[index] = static_cast<std::int32_t>(index);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) { return scores[a] > scores[b]; });
    order.resize(count);
    EXPECT_EQ(best(scores, count), order);
  }
}

}  // namespace
}  // namespace fathom
