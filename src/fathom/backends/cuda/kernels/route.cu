#include "fathom/backends/cuda/kernels/route.h"

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/ranks.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 8;
constexpr std::int64_t kFewTokens = 64;  // a block each: its warps share the scores
constexpr Rank kNoRank = ~Rank{0};

__device__ Rank warp_best(Rank rank) {
  const auto score = static_cast<unsigned>(rank >> 32);
  const unsigned best = __reduce_min_sync(kAllLanes, score);
  const unsigned index = __reduce_min_sync(kAllLanes, score == best ? static_cast<unsigned>(rank) : ~0U);
  return static_cast<Rank>(best) << 32 | index;
}

// Best first: every round takes the best that is worse than the last one.
__device__ void take_best(const RouteKernel& args, const float* scores, int* chosen) {
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
__device__ void take_best_held(const RouteKernel& args, const float* scores, const float (&biases)[kHeld],
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
__device__ void take_hashed(const RouteKernel& args, std::int64_t token, int* chosen) {
  for (std::int64_t slot = lane_id(); slot < args.chosen; slot += kWarp) {
    const int expert = args.hash[args.ids[token] * args.chosen + slot];
    const bool exists = expert >= 0 && expert < args.experts;
    if (!exists) *args.fault = {FaultCode::hashed_expert, expert, args.experts};
    chosen[slot] = exists ? expert : 0;
  }
}

// A token's weights from its experts, by a warp.
__device__ void weigh(const RouteKernel& args, std::int64_t token, const float* scores, const int* chosen) {
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
__device__ void choose(const RouteKernel& args, std::int64_t token, const float* scores, int* chosen) {
  if (args.hash == nullptr) {
    take_best(args, scores, chosen);
  } else {
    take_hashed(args, token, chosen);
  }
  weigh(args, token, scores, chosen);
}

// A warp a token.
__global__ void __launch_bounds__(kWarps* kWarp) route(RouteKernel args) {
  begin_in_turn();
  extern __shared__ float shared[];
  const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * kWarps + warp_id();
  if (token >= args.tokens) return;
  float* scores = shared + warp_id() * (args.experts + args.chosen);
  for (std::int64_t expert = lane_id(); expert < args.experts; expert += kWarp)
    scores[expert] = released_routing_score(args.logits[token * args.experts + expert]);
  __syncwarp();
  choose(args, token, scores, reinterpret_cast<int*>(scores + args.experts));
}

// A block a token.
__global__ void __launch_bounds__(kWarps* kWarp) route_few(RouteKernel args) {
  let_later_kernels_begin();
  extern __shared__ float shared[];
  const bool held = args.hash == nullptr && args.experts <= kHeld * kWarp;
  float biases[kHeld] = {};
  if (warp_id() == 0 && held) {
#pragma unroll
    for (int index = 0; index < kHeld; ++index)
      if (index * kWarp + lane_id() < args.experts) biases[index] = args.bias[index * kWarp + lane_id()];
  }
  wait_for_earlier_kernels();
  const std::int64_t token = blockIdx.x;
  for (std::int64_t expert = threadIdx.x; expert < args.experts; expert += kWarps * kWarp)
    shared[expert] = released_routing_score(args.logits[token * args.experts + expert]);
  __syncthreads();
  if (warp_id() != 0) return;
  int* chosen = reinterpret_cast<int*>(shared + args.experts);
  if (!held) return choose(args, token, shared, chosen);
  take_best_held(args, shared, biases, chosen);
  weigh(args, token, shared, chosen);
}

}  // namespace

void launch_route(const RouteKernel& args, Stream stream) {
  if (args.tokens == 0) return;
  const bool few = args.tokens <= kFewTokens;
  const auto shared = static_cast<std::size_t>((few ? 1 : kWarps) * (args.experts + args.chosen)) * sizeof(float);
  launch(stream, few ? "route_few" : "route",
         {.blocks = {few ? static_cast<unsigned>(args.tokens) : blocks_for(args.tokens, kWarps)},
          .threads = kWarps * kWarp,
          .shared_bytes = static_cast<unsigned>(shared),
          .chained = stream.chained},
         few ? route_few : route, args);
}

}  // namespace fathom::cuda
