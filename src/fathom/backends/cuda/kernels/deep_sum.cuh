// The last sum of a deep product (deep_product.h).
#pragma once

#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {

__device__ inline float sum_of_lanes(float value) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

// A row's output from its pieces' sums [pieces], by a warp.
__device__ inline float joined_pieces(const float* parts, std::int64_t pieces) {
  float sum = 0.0F;
  for (std::int64_t piece = lane_id(); piece < pieces; piece += kWarp) sum += parts[piece];
  return sum_of_lanes(sum);
}

}  // namespace fathom::cuda
