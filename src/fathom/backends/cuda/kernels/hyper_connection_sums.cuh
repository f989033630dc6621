// Sums of squares over a token's streams in whole groups, as block_row_sum makes them.
#pragma once

#include "fathom/backends/cuda/kernels/hyper_connection.h"
#include "fathom/backends/cuda/kernels/row_columns.cuh"
#include "fathom/backends/cuda/kernels/sinkhorn.cuh"

namespace fathom::cuda {

inline constexpr int kGroup = kSumStep * kSumColumns;  // elements whose sums a cascade takes at a time

// What block_row_sum makes of whole groups, by a warp.
__device__ inline float joined_groups(const float* sums, int groups) {
  Cascade cascade;
  for (int group = 0; group < groups; ++group) cascade.take(sums[group * kSumColumns + lane_id()]);
  return join_whole_columns(cascade.sum_with(0.0F));
}

}  // namespace fathom::cuda
