// A token's hyper-connection gates from its mix, by one warp.
#pragma once

#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {

inline constexpr int kFourStreams = 4;

// Four streams: entry `lane % 16` of the matrix lies with that lane, and sums run over lanes in ascending order, from
// the first on: no entry is a zero with a sign.
__device__ inline float sum_of_row(float value) {
  const int first = lane_id() / kFourStreams * kFourStreams;
  float sum = __shfl_sync(kAllLanes, value, first);
#pragma unroll
  for (int column = 1; column < kFourStreams; ++column) sum += __shfl_sync(kAllLanes, value, first + column);
  return sum;
}
__device__ inline float sum_of_column(float value) {
  const int first = lane_id() % kFourStreams;
  float sum = __shfl_sync(kAllLanes, value, first);
#pragma unroll
  for (int row = 1; row < kFourStreams; ++row) sum += __shfl_sync(kAllLanes, value, first + row * kFourStreams);
  return sum;
}
__device__ inline float largest_of_row(float value) {
  value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
  return fmaxf(value, __shfl_xor_sync(kAllLanes, value, 2));
}

// value / sum, rounded as division is, without the way out that it has for quotients near the ends of float32: nothing
// here is below eps or beyond a few units (Markstein's steps, those of the compiler's own division).
__device__ inline float quotient(float value, float sum) {
  float inverse;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(inverse) : "f"(sum));
  inverse = __fmaf_rn(__fmaf_rn(-sum, inverse, 1.0F), inverse, inverse);
  const float first = value * inverse;
  const float second = __fmaf_rn(__fmaf_rn(-sum, first, value), inverse, first);
  return __fmaf_rn(__fmaf_rn(-sum, second, value), inverse, second);
}

constexpr float kSmallestEps = 1e-20F;  // that `quotient` is for

// Softmax over rows' columns, + eps, columns normalised once; then rows and columns in turn, ending on columns.
__device__ inline float sinkhorn_of_four(float value, std::int64_t iterations, float eps) {
  value = released_exp(value - largest_of_row(value));
  value = value * (1.0F / sum_of_row(value)) + eps;
  if (!(eps >= kSmallestEps)) {
    value /= sum_of_column(value) + eps;
    for (std::int64_t iteration = 1; iteration < iterations; ++iteration) {
      value /= sum_of_row(value) + eps;
      value /= sum_of_column(value) + eps;
    }
    return value;
  }
  value = quotient(value, sum_of_column(value) + eps);
#pragma unroll 1
  for (std::int64_t iteration = 1; iteration < iterations; ++iteration) {
    value = quotient(value, sum_of_row(value) + eps);
    value = quotient(value, sum_of_column(value) + eps);
  }
  return value;
}

// Any number of streams, by one thread, in place.
__device__ inline void normalise(float* comb, int streams, bool rows, float eps) {
  const int outer_step = rows ? streams : 1;
  const int inner_step = rows ? 1 : streams;
  for (int outer = 0; outer < streams; ++outer) {
    float* line = comb + outer * outer_step;
    float sum = 0.0F;
    for (int inner = 0; inner < streams; ++inner) sum += line[inner * inner_step];
    for (int inner = 0; inner < streams; ++inner) line[inner * inner_step] /= sum + eps;
  }
}

__device__ inline void sinkhorn(float* comb, int streams, std::int64_t iterations, float eps) {
  for (int row = 0; row < streams; ++row) {
    float* line = comb + row * streams;
    float largest = line[0];
    for (int column = 1; column < streams; ++column) largest = fmaxf(largest, line[column]);
    float sum = 0.0F;
    for (int column = 0; column < streams; ++column) {
      line[column] = released_exp(line[column] - largest);
      sum += line[column];
    }
    for (int column = 0; column < streams; ++column) line[column] = line[column] * (1.0F / sum) + eps;
  }
  normalise(comb, streams, false, eps);
  for (std::int64_t iteration = 1; iteration < iterations; ++iteration) {
    normalise(comb, streams, true, eps);
    normalise(comb, streams, false, eps);
  }
}

// Where a warp finds and puts a token's gates.
struct TokenGates {
  const float* mix;    // [(2 + streams) * streams]
  const float* scale;  // [3]
  const float* base;   // [(2 + streams) * streams]
  float* pre;          // [streams]
  float* post;         // [streams]
  float* comb;         // [streams, streams]
  int streams;
  std::int64_t iterations;
  float eps;
};

__device__ inline float gate_of(const TokenGates& at, float r, int index, int part) {
  return at.mix[index] * r * at.scale[part] + at.base[index];
}

// r = 1 / rms of the token's streams.
__device__ inline float pre_gate(float mix, float r, float scale, float base, float eps) {
  return released_sigmoid(mix * r * scale + base) + eps;
}

__device__ inline void write_pre(const TokenGates& at, float r) {
  const int lane = lane_id();
  if (lane < at.streams) at.pre[lane] = pre_gate(at.mix[lane], r, at.scale[0], at.base[lane], at.eps);
}

__device__ inline void write_post_and_comb(const TokenGates& at, float r) {
  const int lane = lane_id();
  if (lane < at.streams) at.post[lane] = 2.0F * released_sigmoid(gate_of(at, r, at.streams + lane, 1));
  if (at.streams == kFourStreams) {
    constexpr int kEntries = kFourStreams * kFourStreams;
    const float value = sinkhorn_of_four(gate_of(at, r, 2 * kFourStreams + lane % kEntries, 2), at.iterations, at.eps);
    if (lane < kEntries) at.comb[lane] = value;
  } else if (lane == 0) {
    for (int index = 0; index < at.streams * at.streams; ++index)
      at.comb[index] = gate_of(at, r, 2 * at.streams + index, 2);
    sinkhorn(at.comb, at.streams, at.iterations, at.eps);
  }
}

__device__ inline void write_gates(const TokenGates& at, float r) {
  write_pre(at, r);
  write_post_and_comb(at, r);
}

}  // namespace fathom::cuda
