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

// A hash layer's experts, in the table's order.
__device__ void take_hashed(const RouteKernel& args, std::int64_t token, int* chosen) {
  for (std::int64_t slot = lane_id(); slot < args.chosen; slot += kWarp) {
    const int expert = args.hash[args.ids[token] * args.chosen + slot];
    const bool exists = expert >= 0 && expert < args.experts;
    if (!exists) *args.fault = {FaultCode::hashed_expert, expert, args.experts};
    chosen[slot] = exists ? expert : 0;
  }
}

// A warp chooses for a token from its scores.
__device__ void choose(const RouteKernel& args, std::int64_t token, const float* scores, int* chosen) {
  if (args.hash == nullptr) {
    take_best(args, scores, chosen);
  } else {
    take_hashed(args, token, chosen);
  }
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
  if (args.hash == nullptr) send_for(args.bias, args.experts);
  begin_in_turn();
  extern __shared__ float shared[];
  const std::int64_t token = blockIdx.x;
  for (std::int64_t expert = threadIdx.x; expert < args.experts; expert += kWarps * kWarp)
    shared[expert] = released_routing_score(args.logits[token * args.experts + expert]);
  __syncthreads();
  if (warp_id() == 0) choose(args, token, shared, reinterpret_cast<int*>(shared + args.experts));
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
