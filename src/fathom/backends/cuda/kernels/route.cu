#include "fathom/backends/cuda/kernels/route.h"

#include "fathom/backends/cuda/kernels/ranks.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 4;
constexpr Rank kNoRank = ~Rank{0};

__device__ Rank warp_best(Rank rank) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    const Rank other = __shfl_xor_sync(kAllLanes, rank, distance);
    rank = other < rank ? other : rank;
  }
  return rank;
}

// The chosen expert of each of the first lanes, best first: every round takes the best that is worse than the last one.
__device__ int best_experts(const RouteKernel& args, const float* scores) {
  int mine = 0;
  Rank last = 0;
  for (std::int64_t slot = 0; slot < args.chosen; ++slot) {
    Rank best = kNoRank;
    for (std::int64_t expert = lane_id(); expert < args.experts; expert += kWarp) {
      const Rank rank = rank_of(scores[expert] + args.bias[expert], static_cast<unsigned>(expert));
      if ((slot == 0 || rank > last) && rank < best) best = rank;
    }
    last = warp_best(best);
    if (lane_id() == slot) mine = static_cast<int>(index_of(last));
  }
  return mine;
}

// A hash layer's expert of each of the first lanes, in the table's order.
__device__ int hashed_expert(const RouteKernel& args, std::int64_t token) {
  if (lane_id() >= args.chosen) return 0;
  const int expert = args.hash[args.ids[token] * args.chosen + lane_id()];
  if (expert >= 0 && expert < args.experts) return expert;
  *args.fault = {FaultCode::hashed_expert, expert, args.experts};
  return 0;
}

// A warp a token.
__global__ void route(RouteKernel args) {
  extern __shared__ float all_scores[];
  const std::int64_t token = static_cast<std::int64_t>(blockIdx.x) * kWarps + warp_id();
  if (token >= args.tokens) return;
  float* scores = all_scores + warp_id() * args.experts;
  for (std::int64_t expert = lane_id(); expert < args.experts; expert += kWarp)
    scores[expert] = released_routing_score(args.logits[token * args.experts + expert]);
  __syncwarp();
  const int expert = args.hash == nullptr ? best_experts(args, scores) : hashed_expert(args, token);
  const int chosen = static_cast<int>(args.chosen);
  float sum = 0.0F;  // in order of rank, or of the hash row
  int place = 0;     // among the chosen, ascending; equal experts, which no table should have, keep their order
  for (int slot = 0; slot < chosen; ++slot) {
    const int other = __shfl_sync(kAllLanes, expert, slot);
    sum += scores[other];
    if (other < expert || (other == expert && slot < lane_id())) ++place;
  }
  sum += 1e-20F;
  if (lane_id() >= chosen) return;
  args.selected[token * chosen + place] = expert;
  args.weights[token * chosen + place] = scores[expert] / sum * args.route_scale;
}

}  // namespace

void launch_route(const RouteKernel& args, Stream stream) {
  if (args.tokens == 0) return;
  const auto shared = static_cast<std::size_t>(kWarps * args.experts) * sizeof(float);
  route<<<blocks_for(args.tokens, kWarps), kWarps * kWarp, shared, stream>>>(args);
}

}  // namespace fathom::cuda
