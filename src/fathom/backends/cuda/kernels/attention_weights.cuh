// What warpgroups do with a tile's scores and its values, whoever brought its keys: one arithmetic for all of them.
#pragma once

#include "fathom/backends/cuda/kernels/attention_block.cuh"

namespace fathom::cuda {

// A thread holds of sixteen keys what it will hold of the first operand of their product.
using StoredWeights = uint4[kKeys / kDepth][kWarpgroupThreads];

#ifdef FATHOM_WARPGROUP_PRODUCTS

using TileScores = float[kKeys / 2];
using TileWeights = std::uint32_t[kKeys / kDepth][4];  // as the first operand of the values' product
using BandValues = float[kLine / 2];

// The columns and heads that a thread's sums are of.
struct ValuePlace {
  std::int64_t first_head;
  std::int64_t heads;  // of all
  int band;
};

// Weights in place of scores; those of the first `keys` count.
__device__ inline void weigh_scores(float scale_of_scores, int keys, TileScores& scores, float (&largest)[2],
                                    float (&sums)[2]) {
  constexpr float kLog2E = 1.44269504088896340736F;
  const float scale = scale_of_scores * kLog2E;
  if (keys < kKeys) {
    const int own = keys - lane_id() % 4 * 2;  // key 8 i + c of the thread's is there where it is less
#pragma unroll
    for (int index = 0; index < kKeys / 2; ++index)
      if (index / 4 * 8 + index % 2 >= own) scores[index] = __uint_as_float(0xff800000U);
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float most = kNoScore;
#pragma unroll
    for (int index = 0; index < kKeys / 4; ++index) most = fmaxf(most, scores[index / 2 * 4 + half * 2 + index % 2]);
#pragma unroll
    for (int distance = 2; distance > 0; distance /= 2) most = fmaxf(most, __shfl_xor_sync(kAllLanes, most, distance));
    largest[half] = most * scale_of_scores;
    sums[half] = 0.0F;
#pragma unroll
    for (int index = 0; index < kKeys / 4; ++index) {
      float& score = scores[index / 2 * 4 + half * 2 + index % 2];
      asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(score) : "f"(__fmaf_rn(score, scale, -most * scale)));
      sums[half] += score;
    }
#pragma unroll
    for (int distance = 2; distance > 0; distance /= 2) sums[half] += __shfl_xor_sync(kAllLanes, sums[half], distance);
  }
}

__device__ inline void store_weights(const TileScores& weights, StoredWeights& to) {
#pragma unroll
  for (int step = 0; step < kKeys / kDepth; ++step) {
    const float* own = weights + 8 * step;
    to[step][threadIdx.x % kWarpgroupThreads] = {packed(own[0], own[1]), packed(own[2], own[3]), packed(own[4], own[5]),
                                                 packed(own[6], own[7])};
  }
}

__device__ inline void load_weights(const StoredWeights& from, TileWeights& weights) {
#pragma unroll
  for (int step = 0; step < kKeys / kDepth; ++step) {
    const uint4 own = from[step][threadIdx.x % kWarpgroupThreads];
    weights[step][0] = own.x;
    weights[step][1] = own.y;
    weights[step][2] = own.z;
    weights[step][3] = own.w;
  }
}

// values[head, column] = sum over the tile's keys of weight * key, for a band of the columns. Until end_values they
// run.
__device__ inline void begin_values(Lines keys, const TileWeights& weights, BandValues& values) {
  begin_products();
#pragma unroll
  for (int step = 0; step < kKeys / kDepth; ++step)
    multiply_across_lines(values, weights[step], lines_behind(keys, step * kDepth * kLineBytes), step != 0);
  commit_products();
}
__device__ inline void end_values(BandValues& values) {
  wait_products<0>();
  hold_sums<kLine>(values);
}

__device__ inline void multiply_keys(const uint4 (&band)[kKeys][kPieces], const TileWeights& weights,
                                     BandValues& values) {
  begin_values(lines_at(shared_address(band)), weights, values);
  end_values(values);
}

// Most tiles change no largest score: what was joined stays as it is.
__device__ inline void join_values(const Shares (&shares)[2], const BandValues& values, BandValues& joint) {
  if (__all_sync(kAllLanes, shares[0].old == 1.0F && shares[1].old == 1.0F)) {
#pragma unroll
    for (int index = 0; index < kLine / 2; ++index)
      joint[index] = __fmaf_rn(values[index], shares[index / 2 % 2].fresh, joint[index]);
  } else {
#pragma unroll
    for (int index = 0; index < kLine / 2; ++index)
      joint[index] = joined(shares[index / 2 % 2], joint[index], values[index]);
  }
}

// to[head, column] of a band.
__device__ inline void store_values(float* to, const ValuePlace& place, const BandValues& values) {
  const bool aligned = aligned_to(to, 8);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t head = place.first_head + head_of_thread(half);
    if (head >= place.heads) continue;
    float* own = to + head * kDim + place.band * kLine + lane_id() % 4 * 2;
#pragma unroll
    for (int eight = 0; eight < kLine / 8; ++eight) {
      const float2 pair = {values[eight * 4 + half * 2], values[eight * 4 + half * 2 + 1]};
      if (aligned) {
        *reinterpret_cast<float2*>(own + eight * 8) = pair;
      } else {
        own[eight * 8] = pair.x;
        own[eight * 8 + 1] = pair.y;
      }
    }
  }
}

#endif

}  // namespace fathom::cuda
