// The expansion of one sublayer and the sums that the next one begins with, of few tokens with four streams, in one
// launch: experts' slots summed, mixed into the streams, and of these the pieces of the deep product and the squares.
// Every sum is that of the separate kernels (expert_plan.cu, streams.cu, hyper_connection_token.cuh).
//
// A block has 128 channels of all streams, so that nobody else reads what it replaces: a piece of each stream. Squares
// run over 512 channels in order, those of four blocks; these are a cluster, and each has the squares of one stream.
#pragma once

#include "fathom/backends/cuda/kernels/hyper_connection_token.cuh"
#include "fathom/backends/cuda/kernels/slot_sum.cuh"
#include "fathom/backends/cuda/kernels/streams.h"

namespace fathom::cuda::hyper_token {

constexpr int kExpandedTokens = 8;  // at most: each reads the weights anew
constexpr int kLineOfY = kFourStreams;
constexpr int kMostSlots = kPieceWarps - kLineOfY - 1;
static_assert(kPieceWarps == kQuarters * kFourStreams && kGroupPieces == kFourStreams);

// What a block has read: a line of 128 channels a warp.
struct ExpandShared {
  float4 lines[kPieceWarps][kWarp];  // the streams as they were, y, and the slots' rows
  float4 stream[2][kGroup / 4];      // one stream's new values, of the cluster: of a rehearsal, and these
  int rows[kMostSlots];
  float rehearsed[kWarp];
  std::uint64_t arrived[2];  // `stream`
};

// `values` behind the sum of the slots, which is in the order of sum_of_slots.
__device__ inline float4 behind_slots(const ExpandShared& shared, int slots, const float4& values) {
  float4 total = {};
  for (int slot = 0; slot < slots; ++slot)
    if (shared.rows[slot] >= 0) total = added(total, shared.lines[kLineOfY + 1 + slot][lane_id()]);
  return added(total, values);
}

// While they have to wait, all warps go through everything once with other numbers, so that the instructions are there.
template <bool kSums>
__global__ void __launch_bounds__(kPieceThreads, 2)
    expand_and_sum(const __grid_constant__ ExpandKernel expand, const __grid_constant__ DeepProductKernel product,
                   float* squares) {
  let_later_kernels_begin();
  __shared__ __align__(16) ExpandShared shared;
  constexpr int kPiece = static_cast<int>(kDeepPiece);
  const auto channels = static_cast<int>(expand.channels);
  const int groups = channels / kGroup;
  const int rank = static_cast<int>(blockIdx.x) % kFourStreams;
  const int group = static_cast<int>(blockIdx.x) / kFourStreams % groups;
  const std::int64_t token = blockIdx.x / static_cast<unsigned>(kFourStreams * groups);
  if (threadIdx.x == 0) {
    for (std::uint64_t& barrier : shared.arrived) barrier_init(shared_address(&barrier), 1);
    fence_barrier_init();
    for (std::uint64_t& barrier : shared.arrived) expect_bytes(shared_address(&barrier), sizeof(shared.stream) / 2, 0);
  }
  cluster_arrive_relaxed();
  if (warp_id() == kPieceWarps) {  // the squares of stream `rank`
    cluster_wait();
#pragma unroll 1
    for (int turn = 0; turn < 2; ++turn) {
      if (turn == 1) wait_for_earlier_kernels();
      barrier_wait(shared_address(&shared.arrived[turn]), 0);
      const float* values = reinterpret_cast<const float*>(shared.stream[turn]) + lane_id();
      float* to =
          turn == 0 ? shared.rehearsed : squares + ((token * kFourStreams + rank) * groups + group) * kSumColumns;
      to[lane_id()] = sum_of_rows(0, kSumStep, [values](std::int64_t row) {
        const float value = values[row * kSumColumns];
        return value * value;
      });
    }
    return;
  }
  const int to = warp_id() / kQuarters;
  const int quarter = warp_id() % kQuarters;
  const int first = group * kGroup + rank * kPiece;  // channel
  const int input = to * channels + first;
  float4 weights[kOwnOutputs];
#pragma unroll
  for (int output = 0; output < kOwnOutputs; ++output)
    weights[output] = reinterpret_cast<const float4*>(
        product.weight + std::int64_t{quarter * kOwnOutputs + output} * product.in + input)[lane_id()];
  float* streams = expand.x + token * kFourStreams * channels + first;
  const int slots = kSums ? static_cast<int>(expand.before.slots) : 0;
  const int slot = warp_id() - kLineOfY - 1;
  cluster_wait();  // the others are there to be written to
#pragma unroll 1
  for (int turn = 0; turn < 2; ++turn) {
    const bool counts = turn == 1;
    if (counts) wait_for_earlier_kernels();
    // Not from where the numbers will be, which would stay in the first-level cache as they are now.
    const float* line = nullptr;
    if (!counts) {
      line = product.weight;
    } else if (warp_id() < kFourStreams) {
      line = streams + warp_id() * channels;
    } else if (warp_id() == kLineOfY) {
      line = expand.y + token * channels + first;
    } else if (slot < slots) {
      const int row = expand.before.row_of_slot[token * slots + slot];
      if (lane_id() == 0) shared.rows[slot] = row;
      if (row >= 0) line = expand.before.rows + std::int64_t{row} * channels + first;
    }
    const float post = (counts ? expand.post + token * kFourStreams : product.weight)[to];
    const float* gates = counts ? expand.comb + token * kFourStreams * kFourStreams : product.weight;
    float comb[kFourStreams];
#pragma unroll
    for (int from = 0; from < kFourStreams; ++from) comb[from] = gates[from * kFourStreams + to];
    if (line != nullptr) shared.lines[warp_id()][lane_id()] = reinterpret_cast<const float4*>(line)[lane_id()];
    meet_others();  // and the streams have been read
    float4 y = shared.lines[kLineOfY][lane_id()];
    if constexpr (kSums) y = behind_slots(shared, slots, y);
    float4 sum = {};
#pragma unroll
    for (int from = 0; from < kFourStreams; ++from) {
      const float4 old = shared.lines[from][lane_id()];
      sum.x += comb[from] * old.x;
      sum.y += comb[from] * old.y;
      sum.z += comb[from] * old.z;
      sum.w += comb[from] * old.w;
    }
    const float4 x = {post * y.x + sum.x, post * y.y + sum.y, post * y.z + sum.z, post * y.w + sum.w};
    if (quarter == 0)
      send_there(address_in(shared_address(shared.stream[turn] + rank * kWarp + lane_id()), to), x,
                 address_in(shared_address(&shared.arrived[turn]), to));
    if (counts && quarter == 1) reinterpret_cast<float4*>(streams + to * channels)[lane_id()] = x;
    float sums[kSumsAtOnce] = {};
#pragma unroll
    for (int output = 0; output < kOwnOutputs; ++output) sums[output] = sum_of_products(weights[output], x);
    const float piece = sums_of_lanes(sums);
    const int output = sum_of_lane();
    if (counts && lane_id() % 4 == 0 && output < kOwnOutputs)
      product.parts[(token * kMixes + quarter * kOwnOutputs + output) * (product.in / kPiece) + input / kPiece] = piece;
    if (!counts) meet_others();  // all lines have been read
  }
}

inline bool expands(const ExpandKernel& expand) {
  const auto aligned = [](const float* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; };
  return expand.tokens <= kExpandedTokens && expand.before.slots <= kMostSlots && aligned(expand.x) &&
         aligned(expand.y) && aligned(expand.before.rows);
}

inline void launch_expand_and_sum(const ExpandKernel& expand, const DeepProductKernel& product, float* squares,
                                  Stream stream) {
  const auto blocks = static_cast<unsigned>(expand.tokens * expand.channels / kDeepPiece);
  launch(stream, "expand_and_sum",
         {.blocks = {blocks}, .threads = kPieceThreads, .cluster = kFourStreams, .chained = true},
         expand.before.rows != nullptr ? expand_and_sum<true> : expand_and_sum<false>, expand, product, squares);
}

}  // namespace fathom::cuda::hyper_token
