#pragma once

#include "fathom/backends/cuda/kernels/commit_row.cuh"
#include "fathom/backends/cuda/kernels/encode_rows.cuh"
#include "fathom/backends/cuda/kernels/entry_completion.h"
#include "fathom/backends/cuda/kernels/pool_column.cuh"
#include "fathom/backends/cuda/kernels/turned_row.cuh"

namespace fathom::cuda {

// A token's rows go to its tails, and its entry, where it completes one, to the cache: by a block, in the order of the
// separate kernels (pool.cu, cache_rows.cu, new_rows.cu, rows.cu). `row`: dim floats of shared memory.
__device__ inline void complete_entry(const EntryCompletion& args, std::int64_t token, float* row) {
  const GatedPoolKernel& pool = args.pool;
  const PlacedRun& run = pool.runs[token];
  const auto dim = static_cast<int>(pool.dim);
  const auto threads = static_cast<int>(blockDim.x);
  const auto thread = static_cast<int>(threadIdx.x);
  const std::int64_t tail_bytes = pool.columns * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t place = run.start % run.capacity * tail_bytes;
  const std::int64_t block = run.start / pool.ratio;
  const bool completes = run.start + 1 == (block + 1) * pool.ratio;
  std::byte* stored = completes ? run.paged_row(block, args.row_bytes) : nullptr;
  wait_for_earlier_kernels();
  if (completes) {
#pragma unroll 1
    for (int column = thread; column < dim; column += threads)
      row[column] = pooled_few(BlockColumn(pool, run, run.first_new, column));
  }
  __syncthreads();  // the tails have been read
  copy_whole_row(reinterpret_cast<const std::byte*>(pool.kv) + token * tail_bytes, run.ring + place, tail_bytes);
  copy_whole_row(reinterpret_cast<const std::byte*>(pool.gate) + token * tail_bytes, run.ring_2 + place, tail_bytes);
  if (!completes) return;
  const float squares = warp_row_sum(dim, [row](std::int64_t element) { return row[element] * row[element]; });
  const float scale = 1.0F / sqrtf(squares / static_cast<float>(dim) + args.eps);
  __syncthreads();
  for (int column = thread; column < dim; column += threads) row[column] = row[column] * scale * args.weight[column];
  __syncthreads();
  const bool first_warp = warp_id() == 0;
  if (first_warp) {
    const std::int64_t angle = run.first_new * args.pairs;
    turn(row, dim, {args.cosine + angle, args.sine + angle, args.pairs});
  }
  if (args.scale == 0.0F) {
    __syncthreads();
    const EntryShape shape = {.released = args.released != 0,
                              .head_dim = dim,
                              .nope = args.nope,
                              .rope = dim - args.nope,
                              .scales = args.nope + 2 * (dim - args.nope),
                              .row_bytes = args.row_bytes};
    encode_entry_row(shape, row, stored, warp_id(), threads / kWarp);
  } else if (first_warp) {
    transform_row(row, dim, args.scale);
    encode_index_row({.released = args.released != 0, .index_dim = dim, .row_bytes = args.row_bytes}, row, stored);
  }
}

}  // namespace fathom::cuda
