// A row of the step on its way into its run's ring, by a block. Of positions that share a slot the last one stays.
#pragma once

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/staging/placed_runs.h"

namespace fathom::cuda {

template <class T>
__device__ void copy_row(const std::byte* from, std::byte* to, std::int64_t bytes, int thread, int threads) {
  for (std::int64_t index = thread; index < bytes / static_cast<std::int64_t>(sizeof(T)); index += threads)
    reinterpret_cast<T*>(to)[index] = reinterpret_cast<const T*>(from)[index];
}

// By `threads` of a block.
__device__ inline void copy_whole_row(const std::byte* from, std::byte* to, std::int64_t row_bytes, int thread,
                                      int threads) {
  const auto bits = reinterpret_cast<std::uintptr_t>(from) | reinterpret_cast<std::uintptr_t>(to) |
                    static_cast<std::uintptr_t>(row_bytes);
  if (bits % 16 == 0) {
    copy_row<uint4>(from, to, row_bytes, thread, threads);
  } else if (bits % 4 == 0) {
    copy_row<unsigned>(from, to, row_bytes, thread, threads);
  } else {
    copy_row<unsigned char>(from, to, row_bytes, thread, threads);
  }
}

__device__ inline void copy_whole_row(const std::byte* from, std::byte* to, std::int64_t row_bytes) {
  copy_whole_row(from, to, row_bytes, static_cast<int>(threadIdx.x), static_cast<int>(blockDim.x));
}

// Row `row` of `rows` [tokens, row_bytes] to the ring, or the second one. Waits for earlier kernels once it knows
// where.
__device__ inline void commit_row(const PlacedRuns& runs, const std::byte* rows, std::int64_t row_bytes,
                                  std::int64_t row, bool second) {
  const PlacedRun& run = runs[runs.run_of_row(row)];
  const std::int64_t token = row - run.first_row;
  const bool stays = token >= run.tokens - run.capacity;
  const std::byte* from = rows + row * row_bytes;
  std::byte* to = (second ? run.ring_2 : run.ring) + (run.start + token) % run.capacity * row_bytes;
  wait_for_earlier_kernels();
  if (stays) copy_whole_row(from, to, row_bytes);
}

}  // namespace fathom::cuda
