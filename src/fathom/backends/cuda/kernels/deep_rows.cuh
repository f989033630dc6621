// A deep product's sums for many rows: rows and weights pass through shared memory, a thread has a tile of them
// (deep_tile.cuh).
#pragma once

#include "fathom/backends/cuda/kernels/deep_tile.cuh"
#include "fathom/backends/cuda/kernels/later_copies.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda::deep_rows {

constexpr int kRowWarps = 3;
constexpr int kOutputWarps = 2;
constexpr int kWarps = kRowWarps * kOutputWarps;
constexpr int kOwnOutputs = 6;                            // of a thread
constexpr int kRows = kRowWarps * 4 * kOwnRows;           // of a block
constexpr int kOutputs = kOutputWarps * 2 * kOwnOutputs;  // of a block: all
constexpr int kLines = kRows + kOutputs;                  // of a stage: rows' pieces, then weights'
constexpr int kStages = 2;
constexpr int kStageBytes = kLines * kFours * 16;

// The pieces of a block, in the order in which it sums them: those of lane `part` of joined_pieces, of the lanes 16, 8
// and 24 behind it; a lane has every 32nd.
struct PieceOrder {
  int part;
  int turns;  // pieces of a lane

  __device__ int steps() const { return static_cast<int>(kWarp / kDeepParts) * turns; }
  __device__ std::int64_t piece(int step) const {
    const int lane = step / turns;
    return part + (lane % 2 * 16 + lane / 2 * 8) + std::int64_t{step % turns} * kWarp;
  }
};

// A block some rows and a part of the pieces. The last rows come first: who writes streams leaves these in the
// second-level cache, and who reads them next begins with the first.
__global__ void __launch_bounds__(kWarps* kWarp, 2) sum_rows(DeepProductKernel args) {
  begin_in_turn();
  extern __shared__ __align__(128) float4 stages[];
  const PieceOrder order = {static_cast<int>(blockIdx.x % kDeepParts), static_cast<int>(args.pieces() / kWarp)};
  const std::int64_t first_row = std::int64_t{(gridDim.x - 1 - blockIdx.x) / static_cast<unsigned>(kDeepParts)} * kRows;
  const auto copy = [&](int step) {
    float4* stage = stages + step % kStages * kLines * kFours;
    const std::int64_t place = order.piece(step) * kDeepPiece + 4 * lane_id();
#pragma unroll
    for (int line = 0; line < kRows; line += kWarps) {
      const std::int64_t row = min(first_row + line + warp_id(), args.rows - 1);
      copy_sixteen_later(args.x + row * args.in + place, stage + place_of(line + warp_id(), lane_id()));
    }
#pragma unroll
    for (int line = 0; line < kOutputs; line += kWarps) {
      const std::int64_t output = min(std::int64_t{line + warp_id()}, args.outputs - 1);
      copy_sixteen_later(args.weight + output * args.in + place, stage + place_of(kRows + line + warp_id(), lane_id()));
    }
  };
  const int own_row = warp_id() / kOutputWarps * 4 * kOwnRows + lane_id() / 4 % 4;
  const int own_output = warp_id() % kOutputWarps * 2 * kOwnOutputs + lane_id() / 16;
  float sums[kOwnOutputs] = {};       // of a lane of joined_pieces
  float joined[2][kOwnOutputs] = {};  // of lanes
  copy(0);
  for (int step = 0; step < order.steps(); ++step) {
    wait_for_later_copies();
    __syncthreads();
    if (step + 1 < order.steps()) copy(step + 1);
    const float4* stage = stages + step % kStages * kLines * kFours;
    Tile<kOwnOutputs> tile;
    sum_leaves<0, 1>(OwnLines(stage, own_row, stage + kRows * kFours, own_output), tile);
    float piece[kOwnOutputs];
    join_lanes(tile, piece);
#pragma unroll
    for (int output = 0; output < kOwnOutputs; ++output) sums[output] += piece[output];
    if ((step + 1) % order.turns != 0) continue;
    const int lane = step / order.turns;
#pragma unroll
    for (int output = 0; output < kOwnOutputs; ++output) {
      if (lane % 2 == 1) sums[output] = joined[1][output] + sums[output];
      if (lane == 3) sums[output] = joined[0][output] + sums[output];
      joined[lane % 2 == 0 ? 1 : 0][output] = sums[output];
      if (lane < 3) sums[output] = 0.0F;
    }
  }
  const std::int64_t row = first_row + own_row + lane_id() % 4 * 4;
  if (row >= args.rows) return;
#pragma unroll
  for (int output = 0; output < kOwnOutputs; ++output)
    if (own_output + 2 * output < args.outputs)
      args.parts[(row * args.outputs + own_output + 2 * output) * kDeepParts + order.part] = sums[output];
}

}  // namespace fathom::cuda::deep_rows
