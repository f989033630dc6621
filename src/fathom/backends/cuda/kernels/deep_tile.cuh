// A thread's part of a deep product's sums for many rows, in the order of its sums for few (deep_product.h): lane l of
// those has four inputs, and lanes join at distances 16, 8, 4, 2, 1. Here four lanes have the 32 fours of inputs in
// turn, so that a lane sums eight of them, whose distances are 16, 8 and 4, in registers; what is left is two distances
// for all of its sums at once.
#pragma once

#include "fathom/backends/cuda/kernels/deep_product.h"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda::deep_rows {

constexpr int kOwnRows = 4;                               // of a thread
constexpr int kFours = static_cast<int>(kDeepPiece) / 4;  // of a row's piece
constexpr int kLeaves = kFours / 4;                       // fours of a lane

// Lines of shared memory have a piece each. Odd ones have the upper and lower halves of every 128 bytes exchanged: two
// lines side by side lie in all banks.
__device__ inline int place_of(int line, int four) { return line * kFours + (four ^ (line % 2 * 4)); }

template <int kOutputs>
struct Tile {
  float sums[kOwnRows][kOutputs];

  __device__ void add(const Tile& other) {
#pragma unroll
    for (int row = 0; row < kOwnRows; ++row)
#pragma unroll
      for (int output = 0; output < kOutputs; ++output) sums[row][output] += other.sums[row][output];
  }
};

// Where a thread's first row and first output lie, for its even fours and its odd ones. Its next rows are four lines
// further each, its next outputs two.
struct OwnLines {
  const float4* rows[2];
  const float4* weights[2];

  __device__ OwnLines(const float4* first_row, int row, const float4* first_weight, int output) {
    const int four = lane_id() % 4;
    for (int odd = 0; odd < 2; ++odd) {
      rows[odd] = first_row + place_of(row, 4 * odd + four) - 4 * odd;
      weights[odd] = first_weight + place_of(output, 4 * odd + four) - 4 * odd;
    }
  }
};

// Leaf `kFirst` alone, or it and those `kStep` further, in pairs from the farthest on.
template <int kFirst, int kStep, int kOutputs>
__device__ inline void sum_leaves(const OwnLines& lines, Tile<kOutputs>& tile) {
  if constexpr (kStep < kLeaves) {
    sum_leaves<kFirst, 2 * kStep>(lines, tile);
    Tile<kOutputs> other;
    sum_leaves<kFirst + kStep, 2 * kStep>(lines, other);
    tile.add(other);
  } else {
    float4 x[kOwnRows];
#pragma unroll
    for (int row = 0; row < kOwnRows; ++row) x[row] = lines.rows[kFirst % 2][row * 4 * kFours + kFirst * 4];
#pragma unroll
    for (int output = 0; output < kOutputs; ++output) {
      const float4 weight = lines.weights[kFirst % 2][output * 2 * kFours + kFirst * 4];
#pragma unroll
      for (int row = 0; row < kOwnRows; ++row)
        tile.sums[row][output] = fmaf(
            weight.w, x[row].w, fmaf(weight.z, x[row].z, fmaf(weight.y, x[row].y, fmaf(weight.x, x[row].x, 0.0F))));
    }
  }
}

// Distances 2 and 1: lane l of four is left with row l.
template <int kOutputs>
__device__ inline void join_lanes(const Tile<kOutputs>& tile, float (&sums)[kOutputs]) {
  const bool upper = (lane_id() & 2) != 0;
  const bool odd = (lane_id() & 1) != 0;
#pragma unroll
  for (int output = 0; output < kOutputs; ++output) {
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

}  // namespace fathom::cuda::deep_rows
