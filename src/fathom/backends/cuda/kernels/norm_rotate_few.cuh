// A step's few queries and new keys in one launch, with the entries that its tokens complete: rows of 512 whose last 64
// columns turn, a warp each. A lane has one column of row_sum's 32, sixteen elements in registers. A key has a block of
// its own, whose warps encode it together.
#pragma once

#include "fathom/backends/cuda/kernels/encode_rows.cuh"
#include "fathom/backends/cuda/kernels/entry_completion.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/new_rows.h"
#include "fathom/backends/cuda/kernels/row_columns.cuh"

namespace fathom::cuda::norm_rotate_few {

constexpr int kWarps = 8;
constexpr int kDim = kSumStep * kSumColumns;
constexpr int kTurned = 2;  // lines of 32 columns, the last ones
constexpr int kPairs = kTurned * kSumColumns / 2;
constexpr std::int64_t kFewRows = 512;

// A pair lies with two lanes side by side.
__device__ inline float turned(float value, const NormRotateKernel& args, std::int64_t token, int line) {
  const std::int64_t angle = token * kPairs + line * (kSumColumns / 2) + lane_id() / 2;
  const float cosine = args.cosine[angle];
  const float sine = args.sine[angle];
  const float other = __shfl_xor_sync(kAllLanes, value, 1);
  return lane_id() % 2 == 0 ? value * cosine - other * sine : other * sine + value * cosine;
}

// The row that starts at `x`, normed and turned.
__device__ inline void norm_and_turn(const NormRotateKernel& args, const float* x, std::int64_t token,
                                     const float (&weights)[kSumStep], float (&values)[kSumStep]) {
#pragma unroll
  for (int line = 0; line < kSumStep; ++line) values[line] = x[line * kSumColumns + lane_id()];
  const float column = sum_of_rows(0, kSumStep, [&](std::int64_t line) { return values[line] * values[line]; });
  const float squares = join_whole_columns(column);
  const float scale = 1.0F / sqrtf(squares / static_cast<float>(kDim) + args.eps);
#pragma unroll
  for (int line = 0; line < kSumStep; ++line) {
    values[line] *= scale;
    if (args.weight != nullptr) values[line] *= weights[line];
  }
#pragma unroll
  for (int line = 0; line < kTurned; ++line)
    values[kSumStep - kTurned + line] = turned(values[kSumStep - kTurned + line], args, token, line);
}

// Blocks of queries first, then a block for each key.
__device__ inline void norm_rotate_rows(const NormRotateKernel& queries, const NormRotateKernel& keys,
                                        const EntryShape& shape, unsigned query_blocks, float* row, unsigned block) {
  float weights[kSumStep] = {};
  float values[kSumStep];
  if (block < query_blocks) {
    wait_for_earlier_kernels();
    const std::int64_t head = std::int64_t{block} * kWarps + warp_id();
    if (head >= queries.rows * queries.heads) return;
    float* x = queries.x + head * kDim;
    norm_and_turn(queries, x, head / queries.heads, weights, values);
#pragma unroll
    for (int line = 0; line < kSumStep; ++line) x[line * kSumColumns + lane_id()] = values[line];
    return;
  }
  const std::int64_t token = block - query_blocks;
  if (warp_id() == 0) {
#pragma unroll
    for (int line = 0; line < kSumStep; ++line) weights[line] = keys.weight[line * kSumColumns + lane_id()];
  }
  wait_for_earlier_kernels();
  if (warp_id() == 0) {
    norm_and_turn(keys, keys.x + token * kDim, token, weights, values);
#pragma unroll
    for (int line = 0; line < kSumStep; ++line) row[line * kSumColumns + lane_id()] = values[line];
  }
  __syncthreads();
  encode_entry_row(shape, row, keys.encoded + token * shape.row_bytes, warp_id(), kWarps);
}

__global__ void __launch_bounds__(kWarps* kWarp)
    norm_rotate_both(const __grid_constant__ NormRotateKernel queries, const __grid_constant__ NormRotateKernel keys,
                     const EntryShape shape, unsigned query_blocks) {
  let_later_kernels_begin();
  __shared__ float row[kDim];
  norm_rotate_rows(queries, keys, shape, query_blocks, row, blockIdx.x);
}

// The blocks of completions come first, as their chains are the longest: a token's of the first, then of the second.
__global__ void __launch_bounds__(kWarps* kWarp)
    norm_rotate_and_complete(const __grid_constant__ NormRotateKernel queries,
                             const __grid_constant__ NormRotateKernel keys, const EntryShape shape,
                             unsigned query_blocks, const __grid_constant__ EntryCompletions completions) {
  let_later_kernels_begin();
  static_assert(kMostCompletedDim <= kDim);
  __shared__ float row[kDim];
  const auto tokens = static_cast<unsigned>(keys.rows);
  const auto completing = static_cast<unsigned>(completions.count) * tokens;
  if (blockIdx.x < completing) return complete_entry(completions.of[blockIdx.x / tokens], blockIdx.x % tokens, row);
  norm_rotate_rows(queries, keys, shape, query_blocks, row, blockIdx.x - completing);
}

inline bool fits(const NormRotateKernel& queries, const NormRotateKernel& keys) {
  const auto is_row = [](const NormRotateKernel& args) { return args.head_dim == kDim && args.pairs == kPairs; };
  return is_row(queries) && is_row(keys) && queries.weight == nullptr && keys.heads == 1 &&
         queries.rows * queries.heads <= kFewRows;
}

inline void launch_both(const NormRotateKernel& queries, const NormRotateKernel& keys,
                        const EntryCompletions& completions, Stream stream) {
  const unsigned query_blocks = blocks_for(queries.rows * queries.heads, kWarps);
  const auto blocks = query_blocks + static_cast<unsigned>(keys.rows * (1 + completions.count));
  const LaunchShape shape = {.blocks = {blocks}, .threads = kWarps * kWarp, .chained = stream.chained};
  if (completions.count == 0)
    return launch(stream, "norm_rotate_both", shape, norm_rotate_both, queries, keys, entry_shape(keys.format),
                  query_blocks);
  launch(stream, "norm_rotate_and_complete", shape, norm_rotate_and_complete, queries, keys, entry_shape(keys.format),
         query_blocks, completions);
}

}  // namespace fathom::cuda::norm_rotate_few
