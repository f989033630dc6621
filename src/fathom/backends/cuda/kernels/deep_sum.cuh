// The last sum of a deep product (deep_product.h).
#pragma once

#include "fathom/backends/cuda/kernels/deep_product.h"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {

__device__ inline float sum_of_lanes(float value) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

inline constexpr int kSumsAtOnce = 8;

// Which of eight sums sums_of_lanes leaves in this lane.
__device__ inline int sum_of_lane() { return lane_id() / 16 % 2 * 4 + lane_id() / 8 % 2 * 2 + lane_id() / 4 % 2; }

// Eight sums over the lanes at once, each in the order of sum_of_lanes.
__device__ inline float sums_of_lanes(float (&values)[kSumsAtOnce]) {
#pragma unroll
  for (int half = kSumsAtOnce / 2; half > 0; half /= 2) {
    const int distance = 4 * half;
    const bool upper = (lane_id() & distance) != 0;
#pragma unroll
    for (int index = 0; index < half; ++index) {
      const float given = upper ? values[index] : values[index + half];
      const float kept = upper ? values[index + half] : values[index];
      values[index] = kept + __shfl_xor_sync(kAllLanes, given, distance);
    }
  }
  float sum = values[0];
  sum += __shfl_xor_sync(kAllLanes, sum, 2);
  return sum + __shfl_xor_sync(kAllLanes, sum, 1);
}

// A row's output from its pieces' sums [pieces], by a warp.
__device__ inline float joined_pieces(const float* parts, std::int64_t pieces) {
  float sum = 0.0F;
  for (std::int64_t piece = lane_id(); piece < pieces; piece += kWarp) sum += parts[piece];
  return sum_of_lanes(sum);
}

// The same of kDeepParts sums, by one thread; `parts` on a boundary of 16 bytes.
__device__ inline float joined_parts(const float* parts) {
  static_assert(kDeepParts == 8);
  const auto* fours = reinterpret_cast<const float4*>(parts);
  const float4 low = fours[0];
  const float4 high = fours[1];
  return ((low.x + high.x) + (low.z + high.z)) + ((low.y + high.y) + (low.w + high.w));
}

}  // namespace fathom::cuda
