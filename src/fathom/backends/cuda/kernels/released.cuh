// ops/released_arithmetic.h on the device, bit for bit: the same polynomials and the same order of every sum. What is
// compiled here is compiled with --fmad=false, so that a product and a sum are fused only where the source says so.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {

// An unevaluated sum of two floats.
struct FloatPair {
  float high;
  float low;
};

__device__ inline float power_of_two(int exponent) {
  return __uint_as_float(static_cast<unsigned>(exponent + 127) << 23);
}

__device__ inline int exponent_of(float value) {
  return static_cast<int>((__float_as_uint(value) >> 23) & 0xffU) - 127;
}

__device__ inline FloatPair pair_sum(FloatPair a, FloatPair b) {
  const float high = a.high + b.high;
  return {high, ((a.high - high) + b.high + a.low) + b.low};
}

// m / (2 + m), both parts.
__device__ inline FloatPair ratio_to_two_plus(float m) {
  const float high = 2.0F + m;
  const float low = (2.0F - high) + m;
  const float inverse = 1.0F / high;
  const float quotient = m * inverse;
  const float rest = __fmaf_rn(inverse, m, -quotient);
  const float correction = __fmaf_rn(-low, inverse, __fmaf_rn(-high, inverse, 1.0F));
  return {quotient, __fmaf_rn(quotient, correction, rest)};
}

__device__ inline float released_exp(float x) {
  if (x != x) return x;
  if (x < -104.0F) return 0.0F;
  if (x > 100.0F) return __uint_as_float(0x7f800000U);
  constexpr float kLog2E = 1.442695040888963407359924681001892137426645954152985934135449406931F;
  const float turns = rintf(x * kLog2E);
  const float reduced = __fmaf_rn(turns, -1.428606765330187045e-06F, __fmaf_rn(turns, -0.693145751953125F, x));
  float series = 0.000198527617612853646278381F;
  series = __fmaf_rn(series, reduced, 0.00139304355252534151077271F);
  series = __fmaf_rn(series, reduced, 0.00833336077630519866943359F);
  series = __fmaf_rn(series, reduced, 0.0416664853692054748535156F);
  series = __fmaf_rn(series, reduced, 0.166666671633720397949219F);
  series = __fmaf_rn(series, reduced, 0.5F);
  const float mantissa = 1.0F + __fmaf_rn(reduced * reduced, series, reduced);
  const int exponent = static_cast<int>(turns);
  return mantissa * power_of_two(exponent >> 1) * power_of_two(exponent - (exponent >> 1));
}

__device__ inline float released_log1p(float x) {
  if (!(x >= 0.0F)) return log1pf(x);
  if (x > 1e30F) return logf(x);
  const int exponent = exponent_of((x + 1.0F) * (1.0F / 0.75F));
  const float scale = power_of_two(-exponent);
  const float m = __fmaf_rn(x, scale, scale - 1.0F);
  const auto turns = static_cast<float>(exponent);
  constexpr float kLog2High = 0.69314718246459960938F;
  constexpr float kLog2Low = -1.904654323148236017e-09F;
  FloatPair result;
  result.high = kLog2High * turns;
  result.low = __fmaf_rn(kLog2Low, turns, __fmaf_rn(kLog2High, turns, -result.high));
  const FloatPair q = ratio_to_two_plus(m);
  const float square = q.high * q.high;
  float series = 0.3027294874F;
  series = __fmaf_rn(series, square, 0.3996108174F);
  series = __fmaf_rn(series, square, 0.6666694880F);
  result = pair_sum(result, {q.high * 2.0F, q.low * 2.0F});
  const float cubic = square * q.high * series;
  const float high = result.high + cubic;
  return high + ((result.high - high) + cubic + result.low);
}

__device__ inline float released_sigmoid(float x) { return 1.0F / (1.0F + released_exp(-x)); }

__device__ inline float released_routing_score(float logit) {
  return sqrtf(logit > 20.0F ? logit : released_log1p(released_exp(logit)));
}

constexpr int kSumStep = 16;     // rows that one level of a cascade sums before it hands its sum up
constexpr int kSumColumns = 32;  // elements e, e + 32, ... of a row are one column's

// A cascade that takes the sums of sixteen rows, one after the other.
struct Cascade {
  float level_1 = 0.0F;
  float level_2 = 0.0F;
  float level_3 = 0.0F;
  std::int64_t groups = 0;

  __device__ void take(float sum_of_sixteen) {
    level_1 += sum_of_sixteen;
    ++groups;
    if (groups % kSumStep != 0) return;
    level_2 += level_1;
    level_1 = 0.0F;
    if (groups % (kSumStep * kSumStep) != 0) return;
    level_3 += level_2;
    level_2 = 0.0F;
  }
  __device__ float sum_with(float rest) const { return ((rest + level_1) + level_2) + level_3; }
};

// The sum over rows [first, first + count) of a column, count at most sixteen.
template <class Value>
__device__ float sum_of_rows(std::int64_t first, std::int64_t count, const Value& value) {
  float sum = 0.0F;
  if (count == kSumStep) {
#pragma unroll
    for (int row = 0; row < kSumStep; ++row) sum += value(first + row);
  } else {
    for (std::int64_t row = first; row < first + count; ++row) sum += value(row);
  }
  return sum;
}

// cascade_sum by one thread.
template <class Value>
__device__ float cascade_sum(std::int64_t rows, const Value& value) {
  Cascade cascade;
  for (std::int64_t row = 0; row + kSumStep <= rows; row += kSumStep) cascade.take(sum_of_rows(row, kSumStep, value));
  const std::int64_t rest = rows % kSumStep;
  return cascade.sum_with(sum_of_rows(rows - rest, rest, value));
}

// Fewer elements than a vector of eight: four columns, by one thread.
template <class Value>
__device__ float short_row_sum(std::int64_t count, const Value& value) {
  const std::int64_t rows = count / 4;
  float sum = rows > 0 ? 0.0F + value(0) : 0.0F;
  for (std::int64_t element = 4 * rows; element < count; ++element) sum += value(element);
  for (int vector = 1; vector < 4; ++vector) sum += rows > 0 ? 0.0F + value(vector) : 0.0F;
  return sum;
}

// A warp joins the sums of 32 columns, one a lane, to a row's sum, the same in every lane.
template <class Value>
__device__ float join_columns(std::int64_t count, float column_sum, const Value& value) {
  constexpr int kLanes = 8;
  const std::int64_t whole = count / kLanes * kLanes;
  const int lane = lane_id() % kLanes;
  float lane_sum = __shfl_sync(kAllLanes, column_sum, lane);
  for (std::int64_t element = count / kSumColumns * kSumColumns + lane; element < whole; element += kLanes)
    lane_sum += value(element);
  for (int vector = 1; vector < kSumColumns / kLanes; ++vector)
    lane_sum += __shfl_sync(kAllLanes, column_sum, vector * kLanes + lane);
  float sum = 0.0F;
  for (std::int64_t element = whole; element < count; ++element) sum += value(element);
  for (int other = 0; other < kLanes; ++other) sum += __shfl_sync(kAllLanes, lane_sum, other);
  return sum;
}

// row_sum by a warp; the result is in every lane.
template <class Value>
__device__ float warp_row_sum(std::int64_t count, const Value& value) {
  if (count < 8) return short_row_sum(count, value);
  const auto column = [&](std::int64_t row) { return value(row * kSumColumns + lane_id()); };
  return join_columns(count, cascade_sum(count / kSumColumns, column), value);
}

// Floats of shared memory that block_row_sum wants.
inline std::int64_t block_row_sum_floats(std::int64_t count) {
  return (count / kSumColumns / kSumStep + 2) * kSumColumns;
}

// row_sum by a block of whole warps: warps take sixteen rows of 32 columns each, one warp joins them; the result is in
// every thread. Begins and ends with a barrier.
template <class Value>
__device__ float block_row_sum(std::int64_t count, float* parts, const Value& value) {
  const std::int64_t rows = count / kSumColumns;
  const std::int64_t groups = rows / kSumStep;
  const std::int64_t rest = rows % kSumStep;
  const auto column = [&](std::int64_t row) { return value(row * kSumColumns + lane_id()); };
  __syncthreads();
  for (std::int64_t group = warp_id(); group <= groups; group += blockDim.x / kWarp)
    parts[group * kSumColumns + lane_id()] = sum_of_rows(group * kSumStep, group < groups ? kSumStep : rest, column);
  __syncthreads();
  if (warp_id() == 0) {
    float sum = 0.0F;
    if (count < 8) {
      sum = short_row_sum(count, value);
    } else {
      Cascade cascade;
      for (std::int64_t group = 0; group < groups; ++group) cascade.take(parts[group * kSumColumns + lane_id()]);
      sum = join_columns(count, cascade.sum_with(parts[groups * kSumColumns + lane_id()]), value);
    }
    if (lane_id() == 0) parts[(groups + 1) * kSumColumns] = sum;
  }
  __syncthreads();
  return parts[(groups + 1) * kSumColumns];
}

}  // namespace fathom::cuda
