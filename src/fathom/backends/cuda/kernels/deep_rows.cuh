// A deep product's sums for many rows (deep_product.h), in the order of its sums for few: lane l of those has four
// inputs, and lanes join at distances 16, 8, 4, 2, 1. Here four lanes have the 32 fours of inputs in turn, so that a
// lane sums eight of them, whose distances are 16, 8 and 4, in registers; what is left is two distances for 24 sums at
// once.
#pragma once

#include "fathom/backends/cuda/kernels/deep_product.h"
#include "fathom/backends/cuda/kernels/later_copies.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda::deep_rows {

constexpr int kRowWarps = 3;
constexpr int kOutputWarps = 2;
constexpr int kWarps = kRowWarps * kOutputWarps;
constexpr int kOwnRows = 4;                               // of a thread
constexpr int kOwnOutputs = 6;                            // of a thread
constexpr int kRows = kRowWarps * 4 * kOwnRows;           // of a block
constexpr int kOutputs = kOutputWarps * 2 * kOwnOutputs;  // of a block: all
constexpr int kFours = static_cast<int>(kDeepPiece) / 4;  // of a row's piece
constexpr int kLeaves = kFours / 4;                       // fours of a lane
constexpr int kLines = kRows + kOutputs;                  // of a stage: rows' pieces, then weights'
constexpr int kStages = 2;
constexpr int kStageBytes = kLines * kFours * 16;

// Odd lines of a stage have the upper and lower halves of every 128 bytes exchanged: two lines side by side lie in all
// banks.
__device__ inline int place_of(int line, int four) { return line * kFours + (four ^ (line % 2 * 4)); }

struct Tile {
  float sums[kOwnRows][kOwnOutputs];

  __device__ void add(const Tile& other) {
#pragma unroll
    for (int row = 0; row < kOwnRows; ++row)
#pragma unroll
      for (int output = 0; output < kOwnOutputs; ++output) sums[row][output] += other.sums[row][output];
  }
};

// Where a thread's first row and first output lie in a stage, for its even fours and its odd ones.
struct OwnLines {
  const float4* rows[2];
  const float4* weights[2];

  __device__ OwnLines(const float4* stage, int row, int output) {
    const int four = lane_id() % 4;
    for (int odd = 0; odd < 2; ++odd) {
      rows[odd] = stage + place_of(row, 4 * odd + four) - 4 * odd;
      weights[odd] = stage + place_of(kRows + output, 4 * odd + four) - 4 * odd;
    }
  }
};

// Leaf `kFirst` alone, or it and those `kStep` further, in pairs from the farthest on.
template <int kFirst, int kStep>
__device__ inline void sum_leaves(const OwnLines& lines, Tile& tile) {
  if constexpr (kStep < kLeaves) {
    sum_leaves<kFirst, 2 * kStep>(lines, tile);
    Tile other;
    sum_leaves<kFirst + kStep, 2 * kStep>(lines, other);
    tile.add(other);
  } else {
    float4 x[kOwnRows];
#pragma unroll
    for (int row = 0; row < kOwnRows; ++row) x[row] = lines.rows[kFirst % 2][row * 4 * kFours + kFirst * 4];
#pragma unroll
    for (int output = 0; output < kOwnOutputs; ++output) {
      const float4 weight = lines.weights[kFirst % 2][output * 2 * kFours + kFirst * 4];
#pragma unroll
      for (int row = 0; row < kOwnRows; ++row)
        tile.sums[row][output] = fmaf(
            weight.w, x[row].w, fmaf(weight.z, x[row].z, fmaf(weight.y, x[row].y, fmaf(weight.x, x[row].x, 0.0F))));
    }
  }
}

// Distances 2 and 1: lane l of four is left with row l.
__device__ inline void join_lanes(const Tile& tile, float (&sums)[kOwnOutputs]) {
  const bool upper = (lane_id() & 2) != 0;
  const bool odd = (lane_id() & 1) != 0;
#pragma unroll
  for (int output = 0; output < kOwnOutputs; ++output) {
    float halves[2];
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      const float low = tile.sums[row][output];
      const float high = tile.sums[row + 2][output];
      halves[row] = (upper ? high : low) + __shfl_xor_sync(kAllLanes, upper ? low : high, 2);
    }
    sums[output] = (odd ? halves[1] : halves[0]) + __shfl_xor_sync(kAllLanes, odd ? halves[0] : halves[1], 1);
  }
}

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
    Tile tile;
    sum_leaves<0, 1>(OwnLines(stages + step % kStages * kLines * kFours, own_row, own_output), tile);
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
