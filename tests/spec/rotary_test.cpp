#include "fathom/spec/rotary.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace fathom {
namespace {

constexpr YarnConfig kRelease{.factor = 16.0, .original_max_positions = 65536, .beta_fast = 32.0, .beta_slow = 1.0};
constexpr std::int64_t kRopeDim = 64;
constexpr double kTheta = 160000.0;

// The release rounds the exponent to float32 before the power: the larger theta, the more that shows.
void expect_relative(double found, double expected, double theta, const std::string& what) {
  EXPECT_NEAR(found, expected, std::fabs(expected) * 1e-7 * (2.0 + std::log(theta))) << what;
}

TEST(Rotary, FrequenciesFollowTheFormula) {
  for (const std::int64_t rope_dim : {2, 4, 16, 64, 130})
    for (const double theta : {1.0, 10000.0, 160000.0, 1e15}) {
      const auto found = rotary_frequencies(rope_dim, theta);
      ASSERT_EQ(std::ssize(found), rope_dim / 2);
      for (std::int64_t pair = 0; pair < rope_dim / 2; ++pair)
        expect_relative(static_cast<double>(found[static_cast<std::size_t>(pair)]),
                        std::pow(theta, -2.0 * static_cast<double>(pair) / static_cast<double>(rope_dim)), theta,
                        fmt::format("rope_dim {}, theta {}, pair {}", rope_dim, theta, pair));
    }
}

// 64 ln(65536 / (32 * 2 pi)) / (2 ln 160000) = 15.45 goes down to 15, with 1 for 32 it is 24.71 and goes up to 25.
TEST(Rotary, TheReleasesRampRunsFromPair15ToPair25) {
  const auto plain = rotary_frequencies(kRopeDim, kTheta);
  const auto yarn = yarn_frequencies(kRopeDim, kTheta, kRelease);
  ASSERT_EQ(yarn.size(), 32U);
  for (std::size_t pair = 0; pair <= 15; ++pair) EXPECT_EQ(yarn[pair], plain[pair]) << "pair " << pair;
  for (std::size_t pair = 25; pair < 32; ++pair) EXPECT_EQ(yarn[pair], plain[pair] / 16.0F) << "pair " << pair;
  for (std::size_t pair = 16; pair < 25; ++pair) {
    const double smooth = 1.0 - (static_cast<double>(pair) - 15.0) / 10.0;
    const double frequency = std::pow(kTheta, -static_cast<double>(pair) / 32.0);
    expect_relative(static_cast<double>(yarn[pair]), frequency / 16.0 * (1.0 - smooth) + frequency * smooth, kTheta,
                    fmt::format("pair {}", pair));
    EXPECT_LT(yarn[pair], plain[pair]) << "pair " << pair;
    EXPECT_GT(yarn[pair], plain[pair] / 16.0F) << "pair " << pair;
  }
}

TEST(Rotary, FactorOneSwitchesYarnOff) {
  YarnConfig off = kRelease;
  off.factor = 1.0;
  EXPECT_EQ(yarn_frequencies(kRopeDim, kTheta, off), rotary_frequencies(kRopeDim, kTheta));
}

// A frequency is an angle per position: YaRN may slow a pair down, never speed it up, and knows no other scale.
TEST(Rotary, YarnLeavesTheFastestPairAloneAndNeverSpeedsUp) {
  for (const double factor : {2.0, 16.0, 1000.0})
    for (const double theta : {10000.0, 160000.0}) {
      YarnConfig yarn = kRelease;
      yarn.factor = factor;
      const auto plain = rotary_frequencies(kRopeDim, theta);
      const auto slowed = yarn_frequencies(kRopeDim, theta, yarn);
      EXPECT_EQ(slowed.front(), 1.0F);
      for (std::size_t pair = 0; pair < plain.size(); ++pair) {
        EXPECT_LE(slowed[pair], plain[pair]);
        EXPECT_GE(slowed[pair], plain[pair] / static_cast<float>(factor) * (1.0F - 1e-6F));
        if (pair > 0) {
          EXPECT_LT(slowed[pair], slowed[pair - 1]) << "pair " << pair;
        }
      }
    }
}

TEST(Rotary, TheRampIsClampedToThePairs) {
  // So few original positions that even the fastest pair does not turn beta_fast times: low is clamped to 0.
  const YarnConfig few{.factor = 4.0, .original_max_positions = 8, .beta_fast = 32.0, .beta_slow = 1.0};
  const auto plain = rotary_frequencies(16, 10000.0);
  auto slowed = yarn_frequencies(16, 10000.0, few);
  EXPECT_EQ(slowed[0], plain[0]);
  for (std::size_t pair = 1; pair < 8; ++pair) EXPECT_EQ(slowed[pair], plain[pair] / 4.0F);  // high = ceil(0.21) = 1
  // So many that the ramp would end beyond rope_dim - 1: that is where it ends, near half its height for the last pair.
  const YarnConfig many{.factor = 4.0, .original_max_positions = 1 << 30, .beta_fast = 1e8, .beta_slow = 1.0};
  const auto fast = rotary_frequencies(16, 1000.0);
  slowed = yarn_frequencies(16, 1000.0, many);
  const double low = std::floor(16.0 * std::log((1 << 30) / (1e8 * 2.0 * std::numbers::pi)) / (2.0 * std::log(1000.0)));
  ASSERT_EQ(low, 0.0);
  for (std::size_t pair = 0; pair < 8; ++pair) {
    const double smooth = 1.0 - static_cast<double>(pair) / 15.0;
    const double expected = static_cast<double>(fast[pair]) * (smooth + (1.0 - smooth) / 4.0);
    expect_relative(static_cast<double>(slowed[pair]), expected, 1000.0, fmt::format("pair {}", pair));
  }
}

// low = 46 is never clamped to the pairs, high = 15 is: the release's ramp runs backwards then and is 1 for every pair.
TEST(Rotary, ARampBeyondAllPairsIsTheReleases) {
  const YarnConfig yarn{
      .factor = 4.0, .original_max_positions = (std::int64_t{1} << 31) - 1, .beta_fast = 1e-3, .beta_slow = 1e-6};
  const auto plain = rotary_frequencies(16, 100.0);
  const auto slowed = yarn_frequencies(16, 100.0, yarn);
  for (std::size_t pair = 0; pair < 8; ++pair) EXPECT_EQ(slowed[pair], plain[pair] / 4.0F) << "pair " << pair;
}

TEST(Rotary, ARampOfNoWidthDividesByNothing) {
  YarnConfig yarn{.factor = 4.0, .original_max_positions = 65536, .beta_fast = 1.0, .beta_slow = 1.0};
  // Both ends at a whole pair: 65536 / 2 pi = theta^(2 * 8 / 16), so low = high = 8 up to rounding.
  const double theta = 65536.0 / (2.0 * std::numbers::pi);
  for (const double wobble : {0.999999, 1.0, 1.000001})
    for (const float frequency : yarn_frequencies(16, theta * wobble, yarn)) {
      EXPECT_TRUE(std::isfinite(frequency));
      EXPECT_GT(frequency, 0.0F);
    }
}

}  // namespace
}  // namespace fathom
