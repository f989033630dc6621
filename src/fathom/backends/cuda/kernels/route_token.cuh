// The gate's choice of a token's experts.
#pragma once

#include "fathom/backends/cuda/kernels/ranks.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"
#include "fathom/backends/cuda/kernels/route.h"

namespace fathom::cuda {

constexpr Rank kNoRank = ~Rank{0};

__device__ inline Rank warp_best(Rank rank) {
  const auto score = static_cast<unsigned>(rank >> 32);
  const unsigned best = __reduce_min_sync(kAllLanes, score);
  const unsigned index = __reduce_min_sync(kAllLanes, score == best ? static_cast<unsigned>(rank) : ~0U);
  return static_cast<Rank>(best) << 32 | index;
}

// Best first: every round takes the best that is worse than the last one.
__device__ inline void take_best(const RouteKernel& args, const float* scores, int* chosen) {
  Rank last = 0;
  for (std::int64_t slot = 0; slot < args.chosen; ++slot) {
    Rank best = kNoRank;
    for (std::int64_t expert = lane_id(); expert < args.experts; expert += kWarp) {
      const Rank rank = rank_of(scores[expert] + args.bias[expert], static_cast<unsigned>(expert));
      if ((slot == 0 || rank > last) && rank < best) best = rank;
    }
    last = warp_best(best);
    if (lane_id() == 0) chosen[slot] = static_cast<int>(index_of(last));
  }
}

constexpr int kHeld = 8;  // experts of a lane, in registers

// The same of up to 256 experts: `biases` has those of this lane, and the best is struck out after its round.
__device__ inline void take_best_held(const RouteKernel& args, const float* scores, const float (&biases)[kHeld],
                                      int* chosen) {
  Rank ranks[kHeld];
#pragma unroll
  for (int held = 0; held < kHeld; ++held) {
    const int expert = held * kWarp + lane_id();
    ranks[held] =
        expert < args.experts ? rank_of(scores[expert] + biases[held], static_cast<unsigned>(expert)) : kNoRank;
  }
#pragma unroll 1
  for (int slot = 0; slot < static_cast<int>(args.chosen); ++slot) {
    Rank best = kNoRank;
#pragma unroll
    for (const Rank rank : ranks) best = min(best, rank);
    best = warp_best(best);
#pragma unroll
    for (Rank& rank : ranks) rank = rank == best ? kNoRank : rank;
    if (lane_id() == 0) chosen[slot] = static_cast<int>(index_of(best));
  }
}

// A hash layer's experts, in the table's order.
__device__ inline void take_hashed(const RouteKernel& args, std::int64_t token, int* chosen) {
  for (std::int64_t slot = lane_id(); slot < args.chosen; slot += kWarp) {
    const int expert = args.hash[args.ids[token] * args.chosen + slot];
    const bool exists = expert >= 0 && expert < args.experts;
    if (!exists) *args.fault = {FaultCode::hashed_expert, expert, args.experts};
    chosen[slot] = exists ? expert : 0;
  }
}

// A token's weights from its experts, by a warp.
__device__ inline void weigh(const RouteKernel& args, std::int64_t token, const float* scores, const int* chosen) {
  __syncwarp();
  float sum = 0.0F;  // in order of rank, or of the hash row
  for (std::int64_t slot = 0; slot < args.chosen; ++slot) sum += scores[chosen[slot]];
  sum += 1e-20F;
  for (std::int64_t slot = lane_id(); slot < args.chosen; slot += kWarp) {
    const int expert = chosen[slot];
    std::int64_t place = 0;  // ascending; equal experts, which no table should have, keep their order
    for (std::int64_t other = 0; other < args.chosen; ++other)
      if (chosen[other] < expert || (chosen[other] == expert && other < slot)) ++place;
    args.selected[token * args.chosen + place] = expert;
    args.weights[token * args.chosen + place] = scores[expert] / sum * args.route_scale;
  }
}

// A warp chooses for a token from its scores.
__device__ inline void choose(const RouteKernel& args, std::int64_t token, const float* scores, int* chosen) {
  if (args.hash == nullptr) {
    take_best(args, scores, chosen);
  } else {
    take_hashed(args, token, chosen);
  }
  weigh(args, token, scores, chosen);
}

// A token's choice, by a block of eight warps or more: they share the scores, and the first one chooses. It has fetched
// its biases before it waits. `shared`: experts and chosen floats.
class RouteToken {
 public:
  __device__ RouteToken(const RouteKernel& args, float* shared) : args_(args), shared_(shared) {
    held_ = args.hash == nullptr && args.experts <= kHeld * kWarp;
    if (warp_id() != 0 || !held_) return;
#pragma unroll
    for (int index = 0; index < kHeld; ++index)
      if (index * kWarp + lane_id() < args.experts) biases_[index] = args.bias[index * kWarp + lane_id()];
  }

  // Behind the wait.
  __device__ void run(std::int64_t token) const {
    for (std::int64_t expert = threadIdx.x; expert < args_.experts; expert += blockDim.x)
      shared_[expert] = released_routing_score(args_.logits[token * args_.experts + expert]);
    __syncthreads();
    if (warp_id() != 0) return;
    int* chosen = reinterpret_cast<int*>(shared_ + args_.experts);
    if (!held_) return choose(args_, token, shared_, chosen);
    take_best_held(args_, shared_, biases_, chosen);
    weigh(args_, token, shared_, chosen);
  }

 private:
  const RouteKernel& args_;
  float* shared_;
  bool held_;
  float biases_[kHeld] = {};
};

}  // namespace fathom::cuda
