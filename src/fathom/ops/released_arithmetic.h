// Float32 arithmetic, rounded where the released reference rounds.
//
// Note [Rounded as released]: the cache keeps keys in FP8, BF16 and FP4. A value that lies on a rounding boundary turns
// into its neighbour at a relative difference of 1e-7, and from there the model's answers drift apart: with correctly
// rounded exponentials alone, one in twenty of the indexer's choices on our random test models differs from the
// reference's. So the backends do what the reference does: sums in its order, its exponential, products and sums
// rounded one by one. docs/invariance.md has the order of every sum.
#pragma once

#include <cmath>
#include <cstdint>

namespace fathom {

// e^x to within one unit in the last place, by the range reduction and the polynomial of Sleef's expf_u10 (fused
// multiply-adds). 0 below -104, infinity above 100.
float released_exp(float x);

// log(1 + x) for x >= 0, to within one unit in the last place: Sleef's log1pf_u10, in pairs of floats.
float released_log1p(float x);

// 1 / (1 + e^-x)
inline float released_sigmoid(float x) { return 1.0F / (1.0F + released_exp(-x)); }

// sqrt(softplus(x)): the router's score. Beyond 20 softplus is the identity.
inline float released_routing_score(float logit) {
  return std::sqrt(logit > 20.0F ? logit : released_log1p(released_exp(logit)));
}

inline constexpr std::int64_t kCascadeStep = 16;  // rows that one level sums before it hands its sum up
inline constexpr std::int64_t kCascadeLevels = 4;
inline constexpr std::int64_t kSumLanes = 8;    // neighbouring elements that are summed side by side
inline constexpr std::int64_t kSumVectors = 4;  // of those, so many in turn

// value(0) + ... + value(rows - 1): sixteen rows at a time, and the sums of those sixteen at a time, and so on.
template <typename Value>
float cascade_sum(std::int64_t rows, const Value& value) {
  float level[kCascadeLevels] = {};
  std::int64_t row = 0;
  while (row + kCascadeStep <= rows) {
    for (std::int64_t step = 0; step < kCascadeStep; ++step) level[0] += value(row++);
    std::int64_t mask = kCascadeStep - 1;
    for (std::int64_t upper = 1; upper < kCascadeLevels; ++upper) {
      level[upper] += level[upper - 1];
      level[upper - 1] = 0.0F;
      mask *= kCascadeStep;
      if ((row & mask) != 0) break;
    }
  }
  while (row < rows) level[0] += value(row++);
  for (std::int64_t upper = 1; upper < kCascadeLevels; ++upper) level[0] += level[upper];
  return level[0];
}

// The sum of a row of `count` elements: element e of every 32 goes to column e, each column is a cascade, whole vectors
// that fill no row of 32 join the first columns, and the rest, fewer than a vector, is summed first of all.
template <typename Value>
float row_sum(std::int64_t count, const Value& value) {
  const std::int64_t lanes = count < kSumLanes ? 1 : kSumLanes;
  const std::int64_t columns = kSumVectors * lanes;
  const std::int64_t rows = count / columns;
  const std::int64_t whole = count / lanes * lanes;
  float lane_sums[kSumLanes] = {};
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto column = [&](std::int64_t vector) {
      return cascade_sum(rows, [&](std::int64_t row) { return value(row * columns + vector * lanes + lane); });
    };
    float sum = column(0);
    for (std::int64_t element = rows * columns + lane; element < whole; element += lanes) sum += value(element);
    for (std::int64_t vector = 1; vector < kSumVectors; ++vector) sum += column(vector);
    lane_sums[lane] = sum;
  }
  if (lanes == 1) return lane_sums[0];
  float sum = 0.0F;
  for (std::int64_t element = whole; element < count; ++element) sum += value(element);
  for (const float lane_sum : lane_sums) sum += lane_sum;
  return sum;
}

// x[0]^2 + ... + x[count - 1]^2
inline float sum_of_squares(const float* x, std::int64_t count) {
  return row_sum(count, [x](std::int64_t element) { return x[element] * x[element]; });
}

}  // namespace fathom
