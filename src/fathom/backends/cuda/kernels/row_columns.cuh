// The end of row_sum where a row is whole groups of sixteen lines of 32 columns.
#pragma once

#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {

// join_columns without a rest.
__device__ inline float join_whole_columns(float column_sum) {
  constexpr int kLanes = 8;
  const int lane = lane_id() % kLanes;
  float lane_sum = __shfl_sync(kAllLanes, column_sum, lane);
#pragma unroll
  for (int vector = 1; vector < kSumColumns / kLanes; ++vector)
    lane_sum += __shfl_sync(kAllLanes, column_sum, vector * kLanes + lane);
  float sum = 0.0F;
#pragma unroll
  for (int other = 0; other < kLanes; ++other) sum += __shfl_sync(kAllLanes, lane_sum, other);
  return sum;
}

// What a row of so many elements is normed by, from the sum of their squares.
template <typename Count>
__device__ inline float inverse_rms(float squares, Count count, float eps) {
  return 1.0F / sqrtf(squares / static_cast<float>(count) + eps);
}

// A row's sum from those of its groups, [groups, 32], by a warp that asks for all of them at once.
template <int kMost>
__device__ float joined_few(const float* sums, int groups) {
  static_assert(kMost <= kSumStep * kSumStep);
  float values[kMost];
#pragma unroll
  for (int group = 0; group < kMost; ++group)
    values[group] = group < groups ? sums[group * kSumColumns + lane_id()] : 0.0F;
  float level_1 = 0.0F;
  float level_2 = 0.0F;
#pragma unroll
  for (int group = 0; group < kMost; ++group) {
    if (group >= groups) break;
    level_1 += values[group];
    if (group % kSumStep != kSumStep - 1) continue;
    level_2 += level_1;
    level_1 = 0.0F;
  }
  return join_whole_columns((0.0F + level_1) + level_2 + 0.0F);
}

}  // namespace fathom::cuda
