// Many queries on their way to attention that rounds them to bfloat16 (attention_widened.cuh): a warp a row of 512, in
// registers, with the bits of norm_rotate before that rounding.
#pragma once

#include "fathom/backends/cuda/kernels/matrix.cuh"
#include "fathom/backends/cuda/kernels/norm_rotate_few.cuh"

namespace fathom::cuda::rounded_queries {

using norm_rotate_few::kDim;
using norm_rotate_few::kWarps;

__global__ void __launch_bounds__(kWarps* kWarp) round_queries(const __grid_constant__ RoundedQueriesKernel args) {
  begin_in_turn();
  const std::int64_t head = std::int64_t{blockIdx.x} * kWarps + warp_id();
  if (head >= args.queries.rows * args.queries.heads) return;
  const float none[kSumStep] = {};
  float values[kSumStep];
  norm_rotate_few::norm_and_turn(args.queries, args.queries.x + head * kDim, head / args.queries.heads, none, values);
  // Of two lines of 32 the even lanes take the first, the odd ones the second: pairs of columns.
  const bool odd = lane_id() % 2 != 0;
  std::uint32_t* out = args.out + head * (kDim / 2) + (odd ? kSumColumns / 2 : 0) + lane_id() / 2;
#pragma unroll
  for (int line = 0; line < kSumStep; line += 2) {
    const float other = __shfl_xor_sync(kAllLanes, odd ? values[line] : values[line + 1], 1);
    out[line * (kSumColumns / 2)] = odd ? packed(other, values[line + 1]) : packed(values[line], other);
  }
}

inline bool fits(const NormRotateKernel& queries) {
  return queries.head_dim == kDim && queries.pairs == norm_rotate_few::kPairs && queries.weight == nullptr;
}

inline void launch_rows(const RoundedQueriesKernel& args, Stream stream) {
  const std::int64_t heads = args.queries.rows * args.queries.heads;
  if (heads == 0) return;
  launch(stream, "round_queries",
         {.blocks = {blocks_for(heads, kWarps)}, .threads = kWarps * kWarp, .chained = stream.chained}, round_queries,
         args);
}

}  // namespace fathom::cuda::rounded_queries
