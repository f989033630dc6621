#include "fathom/ops/released_arithmetic.h"

#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

// Distance in units of the last place of the expected value.
double units(float found, double expected) {
  if (static_cast<double>(found) == expected) return 0.0;
  const auto nearest = static_cast<float>(std::fabs(expected));
  const double unit = static_cast<double>(std::nextafter(nearest, HUGE_VALF)) - static_cast<double>(nearest);
  return std::fabs(static_cast<double>(found) - expected) / unit;
}

TEST(ReleasedArithmetic, TheExponentialIsWithinAUnit) {
  Random random(11);
  double worst = 0.0;
  for (int round = 0; round < 200000; ++round) {
    const auto x = static_cast<float>(random.uniform(-87.0, 88.0));
    worst = std::max(worst, units(released_exp(x), std::exp(static_cast<double>(x))));
  }
  EXPECT_LE(worst, 1.1);
  EXPECT_EQ(released_exp(0.0F), 1.0F);
  EXPECT_EQ(released_exp(-0.0F), 1.0F);
  EXPECT_EQ(released_exp(-HUGE_VALF), 0.0F);
  EXPECT_EQ(released_exp(-105.0F), 0.0F);
  EXPECT_EQ(released_exp(HUGE_VALF), HUGE_VALF);
  EXPECT_TRUE(std::isnan(released_exp(std::nanf(""))));
  for (float x = -104.0F; x < -87.0F; x += 0.01F) EXPECT_NEAR(released_exp(x), std::exp(x), 1e-44);  // subnormal
}

TEST(ReleasedArithmetic, TheLogarithmIsWithinAUnit) {
  Random random(12);
  double worst = 0.0;
  for (int round = 0; round < 200000; ++round) {
    const auto x = static_cast<float>(std::exp(random.uniform(-80.0, 60.0)));
    worst = std::max(worst, units(released_log1p(x), std::log1p(static_cast<double>(x))));
  }
  EXPECT_LE(worst, 1.1);
  EXPECT_EQ(released_log1p(0.0F), 0.0F);
  EXPECT_EQ(released_log1p(HUGE_VALF), HUGE_VALF);
  EXPECT_TRUE(std::isnan(released_log1p(std::nanf(""))));
}

TEST(ReleasedArithmetic, TheRoutersScore) {
  for (const float logit : {-50.0F, -1.0F, 0.0F, 3.0F, 19.9F, 20.0F})
    EXPECT_NEAR(released_routing_score(logit), std::sqrt(std::log1p(std::exp(static_cast<double>(logit)))), 1e-6);
  EXPECT_EQ(released_routing_score(25.0F), 5.0F);  // the identity beyond 20
}

TEST(ReleasedArithmetic, TheSigmoidHoldsItsEnds) {
  EXPECT_EQ(released_sigmoid(0.0F), 0.5F);
  EXPECT_EQ(released_sigmoid(200.0F), 1.0F);
  EXPECT_EQ(released_sigmoid(-200.0F), 0.0F);
}

// Rows in sixteens; the sums of sixteen sixteens go up another level, before what is left over joins.
float slow_cascade(const std::vector<float>& values) {
  std::vector<std::vector<float>> levels(kCascadeLevels);
  float rest = 0.0F;
  for (std::size_t first = 0; first < values.size(); first += 16) {
    float sum = 0.0F;
    const bool whole = first + 16 <= values.size();
    for (std::size_t index = first; index < std::min(first + 16, values.size()); ++index) sum += values[index];
    if (!whole) {
      rest = sum;
      break;
    }
    levels[1].push_back(sum);
    for (std::size_t level = 1; level + 1 < levels.size() && levels[level].size() == 16; ++level) {
      float upper = 0.0F;
      for (const float value : levels[level]) upper += value;
      levels[level].clear();
      levels[level + 1].push_back(upper);
    }
  }
  float sum = rest;
  for (std::size_t level = 1; level < levels.size(); ++level) {
    float part = 0.0F;
    for (const float value : levels[level]) part += value;
    sum += part;
  }
  return sum;
}

TEST(ReleasedArithmetic, CascadesSumInSixteens) {
  Random random(13);
  for (const std::int64_t rows : {0, 1, 15, 16, 17, 31, 32, 255, 256, 257, 272, 4095, 4096, 4112, 70000}) {
    const Array<float> values = random.normals(rows);
    EXPECT_EQ(cascade_sum(rows, [&](std::int64_t row) { return values[row]; }), slow_cascade(copy_of(values))) << rows;
  }
}

TEST(ReleasedArithmetic, RowsSumInColumnsOfThirtyTwo) {
  Random random(14);
  for (const std::int64_t count : {8, 15, 31, 32, 33, 40, 64, 71, 512, 1000, 4096, 16384}) {
    const Array<float> values = random.normals(count);
    float columns[32];
    const std::int64_t rows = count / 32;
    for (std::int64_t column = 0; column < 32; ++column) {
      std::vector<float> line;
      for (std::int64_t row = 0; row < rows; ++row) line.push_back(values[row * 32 + column]);
      columns[column] = slow_cascade(line);
    }
    for (std::int64_t element = rows * 32; element < count / 8 * 8; ++element) columns[element % 8] += values[element];
    float sum = 0.0F;
    for (std::int64_t element = count / 8 * 8; element < count; ++element) sum += values[element];
    for (std::int64_t lane = 0; lane < 8; ++lane)
      sum += ((columns[lane] + columns[8 + lane]) + columns[16 + lane]) + columns[24 + lane];
    EXPECT_EQ(row_sum(count, [&](std::int64_t element) { return values[element]; }), sum) << count;
  }
  EXPECT_EQ(row_sum(0, [](std::int64_t) { return 1.0F; }), 0.0F);
  for (const std::int64_t count : {1, 3, 7}) EXPECT_EQ(row_sum(count, [](std::int64_t) { return 1.0F; }), count);
}

}  // namespace
}  // namespace fathom::op_test
