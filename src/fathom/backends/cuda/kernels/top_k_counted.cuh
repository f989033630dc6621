// The best of few scores in their order: an entry's place is the number of entries that are better, which a block
// counts for 32 of them. No block waits for another, and nothing is sorted.
#pragma once

#include "fathom/backends/cuda/kernels/index.h"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/ranks.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda::top_k_counted {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kMostKeys = 4096;
constexpr std::int64_t kFewTokens = 8;

// Keys of a tile of 32 that are better than `key`; equal ones count where they stand before it.
template <bool kIsBefore>
__device__ int better_of(const unsigned* tile, unsigned key) {
  int count = 0;
#pragma unroll
  for (int four = 0; four < kWarp / 4; ++four) {
    const uint4 other = reinterpret_cast<const uint4*>(tile)[four];
    const unsigned keys[4] = {other.x, other.y, other.z, other.w};
#pragma unroll
    for (const unsigned one : keys) count += (kIsBefore ? one <= key : one < key) ? 1 : 0;
  }
  return count;
}

__global__ void __launch_bounds__(kThreads) top_k(const __grid_constant__ TopKKernel args, unsigned parts) {
  let_later_kernels_begin();
  __shared__ __align__(16) unsigned keys[kMostKeys];
  __shared__ int counts[kWarps][kWarp];
  const std::int64_t query = blockIdx.x / parts;
  const int part = static_cast<int>(blockIdx.x % parts);
  const std::int64_t token = args.first + query;
  const PlacedRun& run = args.runs[args.runs.run_of_row(token)];
  const int all = static_cast<int>((run.start + token - run.first_row + 1) / args.ratio);
  wait_for_earlier_kernels();
  std::int32_t* selected = args.selected + token * args.top_k;
  const int top_k = static_cast<int>(args.top_k);
  if (part == 0)
    for (int slot = all + static_cast<int>(threadIdx.x); slot < top_k; slot += kThreads) selected[slot] = -1;
  if (part * kWarp >= all) return;
  const int tiles = (all + kWarp - 1) / kWarp;
  const float* scores = args.scores + query * args.score_step;
  for (int index = static_cast<int>(threadIdx.x); index < tiles * kWarp; index += kThreads)
    keys[index] = index < all ? rank_of_score(scores[index]) : ~0U;  // none is worse, and none comes later
  __syncthreads();
  const unsigned key = keys[part * kWarp + lane_id()];
  int count = 0;
  for (int tile = warp_id(); tile < tiles; tile += kWarps) {
    const unsigned* others = keys + tile * kWarp;
    if (tile < part) {
      count += better_of<true>(others, key);
    } else if (tile > part) {
      count += better_of<false>(others, key);
    } else {
      for (int other = 0; other < kWarp; ++other)
        count += others[other] < key || (others[other] == key && other < lane_id()) ? 1 : 0;
    }
  }
  counts[warp_id()][lane_id()] = count;
  __syncthreads();
  const int entry = part * kWarp + lane_id();
  if (warp_id() != 0 || entry >= all) return;
  int place = 0;
#pragma unroll
  for (int warp = 0; warp < kWarps; ++warp) place += counts[warp][lane_id()];
  if (place < top_k) selected[place] = entry;
}

inline bool fits(const TopKKernel& args) { return args.count <= kFewTokens && args.most_visible <= kMostKeys; }

inline void launch_counted(const TopKKernel& args, Stream stream) {
  const unsigned parts = args.most_visible > 0 ? blocks_for(args.most_visible, kWarp) : 1;
  launch(stream, "top_k_counted",
         {.blocks = {static_cast<unsigned>(args.count) * parts}, .threads = kThreads, .chained = stream.chained}, top_k,
         args, parts);
}

}  // namespace fathom::cuda::top_k_counted
