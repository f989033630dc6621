#include "fathom/backends/cuda/kernels/route.h"

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/route_token.cuh"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 8;
constexpr std::int64_t kFewTokens = 64;  // a block each: its warps share the scores

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
  const RouteToken route(args, shared, blockIdx.x);
  wait_for_earlier_kernels();
  route.run(blockIdx.x);
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
