// A token's scores where its queries have been encoded by the kernel that made them: the same codes, so the same
// numbers as score_few_codes, without encoding 64 heads in every block.
#pragma once

#include "fathom/backends/cuda/kernels/index_score_token.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"

namespace fathom::cuda::index_scores {

constexpr int kCodedGroups = 4;
constexpr int kCodedDim = kCodedGroups * kWarp;
constexpr int kMostCodedHeads = kWarps * kTileHeads;

// Of the eight heads from `head` on, [heads, 128] and [heads, 4].
__device__ inline QueryFragment<kCodedGroups> load_queries(const IndexQueryCodes& queries, std::int64_t head) {
  const int quarter = lane_id() % 4;
  const auto* codes = reinterpret_cast<const unsigned*>(queries.codes + (head + lane_id() / 4) * kCodedDim) + quarter;
  const auto* scales = reinterpret_cast<const float4*>(queries.scales) + head + 2 * quarter;
  QueryFragment<kCodedGroups> fragment;
#pragma unroll
  for (int group = 0; group < kCodedGroups; ++group) {
    fragment.codes[group][0] = codes[group * 8];
    fragment.codes[group][1] = codes[group * 8 + 4];
  }
#pragma unroll
  for (int place = 0; place < 2; ++place) {
    const float4 four = scales[place];
    fragment.scales[place][0] = four.x;
    fragment.scales[place][1] = four.y;
    fragment.scales[place][2] = four.z;
    fragment.scales[place][3] = four.w;
  }
  return fragment;
}

// Into the second-level cache, whichever kernel writes it last: from there everybody reads what is newest.
__device__ inline void send_for_key(const TokenKeys& keys, std::int64_t entry) {
  if (entry >= keys.visible) return;
  const std::byte* row = keys.row(entry);
  asm volatile("prefetch.global.L2 [%0];" ::"l"(row));
  asm volatile("prefetch.global.L2 [%0];" ::"l"(row + keys.row_bytes - 1));
}

// A block takes 32 keys at a time, its warps share the heads.
__global__ void __launch_bounds__(kThreads)
    of_codes(const __grid_constant__ IndexScoresKernel args, std::int64_t row_bytes) {
  let_later_kernels_begin();
  extern __shared__ __align__(16) unsigned char shared[];
  const auto parts = static_cast<unsigned>(args.shape.blocks_per_token);
  const Share share = {.part = blockIdx.x % parts, .parts = parts};
  const std::int64_t query = blockIdx.x / parts;
  const std::int64_t token = args.first + query;
  const int heads = static_cast<int>(args.heads);
  const PlacedRun& run = args.runs[args.runs.run_of_row(token)];
  const TokenKeys keys = {&run, (run.start + token - run.first_row + 1) / args.ratio, row_bytes};
  if (warp_id() == 0) send_for_key(keys, share.part * kFewTileKeys + lane_id());
  wait_for_earlier_kernels();
  auto* weights = reinterpret_cast<float*>(shared);
  auto* products = weights + kMostCodedHeads;
  bool is_off = false;
  if (static_cast<int>(threadIdx.x) < heads) {
    weights[threadIdx.x] = args.weights[token * heads + threadIdx.x];
    is_off = args.encoded.off_grid[token * heads + threadIdx.x] != 0;
  }
  const int head = warp_id() * kTileHeads;
  QueryFragment<kCodedGroups> queries = {};
  if (head < heads) queries = load_queries(args.encoded, token * heads + head);
  float* scores = args.scores + query * args.score_step;
  for (std::int64_t first = share.part * kFewTileKeys;; first += share.parts * kFewTileKeys) {
    KeyFragment<kCodedGroups> halves[2];
    halves[0].load(keys, first);
    halves[1].load(keys, first + 16);
    if (__syncthreads_or(is_off ? 1 : 0) != 0)  // here, so that keys are on their way
      return score_chains(args, share, keys, args.q + token * heads * kCodedDim, products, weights, scores);
    if (head < heads) {
      multiply_fragments(halves[0], queries, products + head * kProductStep);
      multiply_fragments(halves[1], queries, products + head * kProductStep + 16);
    }
    __syncthreads();
    if (warp_id() == 0 && first + lane_id() < keys.visible) {
      float score = 0.0F;
#pragma unroll 8
      for (int other = 0; other < heads; ++other) score += weights[other] * products[other * kProductStep + lane_id()];
      scores[first + lane_id()] = score;
    }
    if (first + share.parts * kFewTileKeys >= keys.visible) return;
  }
}

// Shared memory of of_codes: products of all heads, or score_chains' keys and products.
constexpr std::int64_t kCodedBytes = 4 * (kMostCodedHeads + (kCodedDim + kMostCodedHeads) * kProductStep);

}  // namespace fathom::cuda::index_scores
