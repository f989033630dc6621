#include "fathom/corpus/permutation.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "fathom/base/error.h"

namespace fathom {
namespace {

std::vector<std::int64_t> all(const Permutation& permutation) {
  std::vector<std::int64_t> order;
  for (std::int64_t place = 0; place < permutation.size(); ++place) order.push_back(permutation.at(place));
  return order;
}

TEST(Permutation, HoldsEveryPlaceOnce) {
  for (std::int64_t size = 1; size <= 300; ++size)
    for (const std::uint64_t seed : {0U, 1U, 77U}) {
      const std::vector<std::int64_t> order = all(Permutation(size, seed));
      const std::set<std::int64_t> places(order.begin(), order.end());
      ASSERT_EQ(static_cast<std::int64_t>(places.size()), size);
      ASSERT_EQ(*places.begin(), 0);
      ASSERT_EQ(*places.rbegin(), size - 1);
    }
}

TEST(Permutation, FollowsItsSeed) {
  EXPECT_EQ(all(Permutation(1000, 5)), all(Permutation(1000, 5)));
  EXPECT_NE(all(Permutation(1000, 5)), all(Permutation(1000, 6)));
}

// Over many seeds every element visits every place about equally often, and neighbours part.
TEST(Permutation, MixesWell) {
  constexpr std::int64_t kSize = 10;
  constexpr int kSeeds = 20'000;
  std::vector<int> counts(kSize * kSize);
  int neighbours = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const std::vector<std::int64_t> order = all(Permutation(kSize, mixed(static_cast<std::uint64_t>(seed))));
    for (std::int64_t place = 0; place < kSize; ++place)
      ++counts[static_cast<std::size_t>(place * kSize + order[static_cast<std::size_t>(place)])];
    for (std::size_t place = 1; place < order.size(); ++place) neighbours += order[place] == order[place - 1] + 1;
  }
  const double expected = static_cast<double>(kSeeds) / kSize;
  for (const int count : counts) EXPECT_NEAR(count, expected, 0.1 * expected);
  EXPECT_NEAR(static_cast<double>(neighbours) / kSeeds, 0.9, 0.09);
}

TEST(Permutation, LargeOnesAnswerAtOnce) {
  const Permutation permutation(std::int64_t{1} << 62, 3);
  EXPECT_NE(permutation.at(0), permutation.at((std::int64_t{1} << 62) - 1));
  EXPECT_THROW(permutation.at(-1), InternalError);
  EXPECT_THROW(Permutation(0, 1), InternalError);
}

}  // namespace
}  // namespace fathom
