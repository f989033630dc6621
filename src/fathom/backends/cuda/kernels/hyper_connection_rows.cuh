// Hyper-connections of many tokens with four streams: a block reads its token's streams once and holds them in
// registers, a warp 512 channels of all four and a lane one column of row_sum in each. What nobody waits for, the
// Sinkhorn iterations, is a kernel of its own. Every sum is that of the separate kernels (streams.cu, rows.cu).
#pragma once

#include "fathom/backends/cuda/kernels/deep_sum.cuh"
#include "fathom/backends/cuda/kernels/hyper_connection_sums.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"

namespace fathom::cuda::hyper_rows {

constexpr std::int64_t kManyTokens = 320;  // more than the multiprocessors take at once
constexpr int kMostWarps = 16;
constexpr int kMixes = (2 + kFourStreams) * kFourStreams;
constexpr int kGatesWarps = 4;

// A column of a group, sixteen elements 32 apart.
struct Column {
  float values[kSumStep];

  __device__ float squares() const {
    return sum_of_rows(0, kSumStep, [this](std::int64_t row) { return values[row] * values[row]; });
  }
};

// A token's outputs of the deep product lie as parts of it or as lanes' sums (HyperConnectionKernel): either is joined
// in the order of sum_of_lanes.

// Of the first four outputs, the one of this lane: every eight lanes have one.
__device__ inline float joined_four(const float* lanes, std::int64_t step) {
  const float4 own = *reinterpret_cast<const float4*>(lanes + lane_id() * step);
  const bool upper = (lane_id() & 16) != 0;
  const bool odd = (lane_id() & 8) != 0;
  const float low = (upper ? own.z : own.x) + __shfl_xor_sync(kAllLanes, upper ? own.x : own.z, 16);
  const float high = (upper ? own.w : own.y) + __shfl_xor_sync(kAllLanes, upper ? own.y : own.w, 16);
  float sum = (odd ? high : low) + __shfl_xor_sync(kAllLanes, odd ? low : high, 8);
#pragma unroll
  for (int distance = 4; distance > 0; distance /= 2) sum += __shfl_xor_sync(kAllLanes, sum, distance);
  return sum;
}

// One output, by one thread: lane `kFirst` of the sums, or it and those `kStep` further.
template <int kFirst = 0, int kStep = 1>
__device__ inline float joined_lanes(const float (&lanes)[kWarp]) {
  if constexpr (kStep < kWarp)
    return joined_lanes<kFirst, 2 * kStep>(lanes) + joined_lanes<kFirst + kStep, 2 * kStep>(lanes);
  else
    return lanes[kFirst];
}

__device__ inline float joined_one(const float* lanes, std::int64_t step) {
  float values[kWarp];
#pragma unroll
  for (int lane = 0; lane < kWarp; ++lane) values[lane] = lanes[lane * step];
  return joined_lanes(values);
}

// A block a token, a warp for each 512 channels.
template <int kThreads, bool kLanes>
__global__ void __launch_bounds__(kThreads, 768 / kThreads)
    collapse_rows(const __grid_constant__ HyperConnectionKernel args) {
  begin_in_turn();
  __shared__ float sums[kFourStreams * kMostWarps * kSumColumns];
  __shared__ float row_sums[kMostWarps * kSumColumns];
  __shared__ float mixes[kFourStreams];
  const std::int64_t token = blockIdx.x;
  const auto channels = static_cast<int>(args.channels);
  const int groups = channels / kGroup;
  const int own = warp_id() * kGroup + lane_id();
  const float* x = args.x + token * kFourStreams * channels + own;
  Column streams[kFourStreams];
#pragma unroll
  for (int stream = 0; stream < kFourStreams; ++stream)
#pragma unroll
    for (int row = 0; row < kSumStep; ++row) streams[stream].values[row] = x[stream * channels + row * kSumColumns];
  const int gate = lane_id() % kFourStreams;
  float mix = 0.0F;
  if constexpr (!kLanes) mix = joined_parts(args.parts + (token * kMixes + gate) * kDeepParts);
  if (kLanes && warp_id() == 0) {
    const float joined = joined_four(args.lanes + token * kMixes, args.tokens * kMixes);
    if (lane_id() % (kWarp / kFourStreams) == 0) mixes[lane_id() / (kWarp / kFourStreams)] = joined;
  }
#pragma unroll
  for (int stream = 0; stream < kFourStreams; ++stream)
    sums[(stream * groups + warp_id()) * kSumColumns + lane_id()] = streams[stream].squares();
  __syncthreads();
  if constexpr (kLanes) mix = mixes[gate];
  const float r = inverse_rms(joined_groups(sums, kFourStreams * groups), kFourStreams * channels, args.norm_eps);
  const float pre = pre_gate(mix, r, args.scale[0], args.base[gate], args.eps);
  if (threadIdx.x < kFourStreams) args.pre[token * kFourStreams + gate] = pre;
  if (threadIdx.x == 0) args.inverse_rms[token] = r;
  float from[kFourStreams];
#pragma unroll
  for (int stream = 0; stream < kFourStreams; ++stream) from[stream] = __shfl_sync(kAllLanes, pre, stream);
  Column row;
#pragma unroll
  for (int index = 0; index < kSumStep; ++index) {
    float sum = 0.0F;
#pragma unroll
    for (int stream = 0; stream < kFourStreams; ++stream) sum += from[stream] * streams[stream].values[index];
    row.values[index] = sum;
  }
  row_sums[warp_id() * kSumColumns + lane_id()] = row.squares();
  __syncthreads();
  const float scale = inverse_rms(joined_groups(row_sums, groups), channels, args.norm_eps);
  float* out = args.out + token * channels + own;
#pragma unroll
  for (int index = 0; index < kSumStep; ++index)
    out[index * kSumColumns] = row.values[index] * scale * args.norm[own + index * kSumColumns];
}

// A warp a token, behind collapse_rows.
template <bool kLanes>
__global__ void __launch_bounds__(kGatesWarps* kWarp)
    post_and_comb(const __grid_constant__ HyperConnectionKernel args) {
  begin_in_turn();
  __shared__ float mixes[kGatesWarps][kMixes];
  const std::int64_t token = global_thread() / kWarp;
  if (token >= args.tokens) return;
  float* mix = mixes[warp_id()];
  const std::int64_t place = token * kMixes + lane_id();
  if (lane_id() < kMixes)
    mix[lane_id()] =
        kLanes ? joined_one(args.lanes + place, args.tokens * kMixes) : joined_parts(args.parts + place * kDeepParts);
  __syncwarp();
  write_post_and_comb({.mix = mix,
                       .scale = args.scale,
                       .base = args.base,
                       .pre = nullptr,
                       .post = args.post + token * kFourStreams,
                       .comb = args.comb + token * kFourStreams * kFourStreams,
                       .streams = kFourStreams,
                       .iterations = args.iterations,
                       .eps = args.eps},
                      args.inverse_rms[token]);
}

inline bool takes_rows(std::int64_t tokens, std::int64_t streams, std::int64_t channels) {
  return tokens >= kManyTokens && streams == kFourStreams && channels % kGroup == 0 && channels <= kMostWarps * kGroup;
}

inline bool fits(const HyperConnectionKernel& args) {
  return args.lanes != nullptr || (args.pieces == kDeepParts && takes_rows(args.tokens, args.streams, args.channels));
}

template <bool kLanes>
void launch_rows_of(const HyperConnectionKernel& args, Stream stream) {
  constexpr int kFewThreads = 256;
  constexpr int kMostThreads = kMostWarps * kWarp;
  const auto threads = static_cast<unsigned>(args.channels / kGroup * kWarp);
  launch(stream, "collapse_rows",
         {.blocks = {blocks_for(args.tokens, 1)}, .threads = threads, .chained = stream.chained},
         threads <= kFewThreads ? collapse_rows<kFewThreads, kLanes> : collapse_rows<kMostThreads, kLanes>, args);
  launch(stream, "post_and_comb",
         {.blocks = {blocks_for(args.tokens, kGatesWarps)}, .threads = kGatesWarps * kWarp, .chained = stream.chained},
         post_and_comb<kLanes>, args);
}

inline void launch_rows(const HyperConnectionKernel& args, Stream stream) {
  args.lanes != nullptr ? launch_rows_of<true>(args, stream) : launch_rows_of<false>(args, stream);
}

}  // namespace fathom::cuda::hyper_rows
