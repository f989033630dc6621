#include "fathom/checkpoint/random_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace fathom {
namespace {

// Written down once: a change of the generator changes every random checkpoint, and must be meant.
TEST(RandomValues, AreTheSameEverywhere) {
  RandomValues random(0, "embed.weight");
  const std::uint64_t first = random.word();
  RandomValues again(0, "embed.weight");
  EXPECT_EQ(again.word(), first);
  EXPECT_EQ(first, 0x847c3095632f2542ULL);
}

TEST(RandomValues, SeedAndNameBothCount) {
  std::set<std::uint64_t> words;
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    for (const char* name : {"a", "b", "ab", ""}) words.insert(RandomValues(seed, name).word());
  EXPECT_EQ(words.size(), 200U);
}

TEST(RandomValues, NormalHasItsMoments) {
  RandomValues random(1, "x");
  constexpr int kCount = 200'000;
  double sum = 0.0;
  double squares = 0.0;
  double fourth = 0.0;
  for (int draw = 0; draw < kCount; ++draw) {
    const double value = random.normal();
    ASSERT_LT(std::fabs(value), 4.9);
    sum += value;
    squares += value * value;
    fourth += value * value * value * value;
  }
  EXPECT_NEAR(sum / kCount, 0.0, 0.01);
  EXPECT_NEAR(squares / kCount, 1.0, 0.02);
  EXPECT_NEAR(fourth / kCount, 2.85, 0.1);  // 3 - 1.2 / 8
}

TEST(RandomValues, BelowIsUniform) {
  RandomValues random(1, "x");
  int counts[7] = {};
  for (int draw = 0; draw < 70'000; ++draw) ++counts[random.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  EXPECT_EQ(random.below(1), 0);
}

}  // namespace
}  // namespace fathom
