// Hyper-connections of few tokens with four streams, in two kernels of short chains. The first sums the pieces of the
// deep product, whose weights it has fetched before it waits, and the squares of every 512 values. The second is a
// cluster a token: each block has some of the channels. Every sum is that of the separate kernels (streams.cu,
// rows.cu).
#pragma once

#include "fathom/backends/cuda/kernels/awaited.cuh"
#include "fathom/backends/cuda/kernels/cluster.cuh"
#include "fathom/backends/cuda/kernels/deep_sum.cuh"
#include "fathom/backends/cuda/kernels/hyper_connection_sums.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_values.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"

namespace fathom::cuda::hyper_token {

constexpr int kMixes = (2 + kFourStreams) * kFourStreams;
constexpr int kQuarters = 4;                       // of the outputs: blocks that share a group of channels
constexpr int kOwnOutputs = kMixes / kQuarters;    // of a block
constexpr int kGroupPieces = kGroup / kDeepPiece;  // of a stream's group of channels
constexpr int kPieceWarps = kFourStreams * kGroupPieces;
constexpr int kPieceThreads = (kPieceWarps + 1) * kWarp;  // one more warp has the squares
constexpr int kMostOwn = 2;                               // groups of channels of a block
constexpr int kMostCluster = 8;
constexpr int kWarps = kGroup / kWarp;  // that share a block's channels
constexpr int kGatesWarp = kWarps;      // one more
constexpr int kThreads = (kWarps + 1) * kWarp;
constexpr int kFour = 4;       // channels at once
constexpr int kFewTokens = 8;  // that a block of the first kernel holds at once

__device__ inline float sum_of_products(const float4& weight, const float4& x) {
  return fmaf(weight.w, x.w, fmaf(weight.z, x.z, fmaf(weight.y, x.y, fmaf(weight.x, x.x, 0.0F))));
}

// A block: 512 channels of all streams, a piece a warp, and a quarter of the outputs; its last warp has the squares of
// one stream.
template <int kTokens>
__global__ void __launch_bounds__(kPieceThreads)
    sum_pieces_and_squares(const __grid_constant__ DeepProductKernel args, float* squares) {
  let_later_kernels_begin();
  const int in = static_cast<int>(args.in);
  const int channels = in / kFourStreams;
  const int groups = channels / kGroup;
  const int quarter = static_cast<int>(blockIdx.x) % kQuarters;
  const int group = static_cast<int>(blockIdx.x) / kQuarters % groups;
  const std::int64_t first = std::int64_t{blockIdx.x / static_cast<unsigned>(kQuarters * groups)} * kTokens;
  const int tokens = static_cast<int>(min(std::int64_t{kTokens}, args.rows - first));
  if (warp_id() == kPieceWarps) {
    wait_for_earlier_kernels();
    for (int token = 0; token < tokens; ++token) {
      const float* x = args.x + (first + token) * in + quarter * channels + group * kGroup + lane_id();
      const float sum = sum_of_rows(0, kSumStep, [x](std::int64_t row) {
        const float value = x[row * kSumColumns];
        return value * value;
      });
      squares[(((first + token) * kFourStreams + quarter) * groups + group) * kSumColumns + lane_id()] = sum;
    }
    return;
  }
  constexpr int kPiece = static_cast<int>(kDeepPiece);
  const int input = warp_id() / kGroupPieces * channels + group * kGroup + warp_id() % kGroupPieces * kPiece;
  float4 weights[kOwnOutputs];
#pragma unroll
  for (int output = 0; output < kOwnOutputs; ++output)
    weights[output] = reinterpret_cast<const float4*>(args.weight + std::int64_t{quarter * kOwnOutputs + output} * in +
                                                      input)[lane_id()];
  wait_for_earlier_kernels();
  float4 x[kTokens] = {};
#pragma unroll
  for (int token = 0; token < kTokens; ++token)
    if (token < tokens) x[token] = reinterpret_cast<const float4*>(args.x + (first + token) * in + input)[lane_id()];
#pragma unroll
  for (int token = 0; token < kTokens; ++token) {
    if (token >= tokens) break;
    float sums[kSumsAtOnce] = {};
#pragma unroll
    for (int output = 0; output < kOwnOutputs; ++output) sums[output] = sum_of_products(weights[output], x[token]);
    const float sum = sums_of_lanes(sums);
    const int output = sum_of_lane();
    if (lane_id() % 4 == 0 && output < kOwnOutputs)
      args.parts[((first + token) * kMixes + quarter * kOwnOutputs + output) * (in / kPiece) + input / kPiece] = sum;
  }
}

__device__ inline void meet_others() { asm volatile("bar.sync 1, %0;" ::"n"(kWarps * kWarp) : "memory"); }

// The last warp's meeting with the others.
__device__ inline void meet_all() { asm volatile("bar.sync 2, %0;" ::"n"(kThreads) : "memory"); }

struct SharedGates {
  float mix[kMixes];
  float base[kMixes];
  float scale[3];
  float r;  // 1 / rms of the token's streams
  float rehearsed[kMixes];
};

// The outputs that a block wants, four or all of them: each warp asks for its two at once.
__device__ inline void join_mixes(const float* parts, int pieces, bool all, float* mix) {
  const int first = warp_id();
  const int second = first + kWarps;
  if (first >= kFourStreams && !all) return;
  const bool has_second = all && second < kMixes;
  float sums[2] = {};
#pragma unroll 4
  for (int piece = lane_id(); piece < pieces; piece += kWarp) {
    sums[0] += parts[first * pieces + piece];
    if (has_second) sums[1] += parts[second * pieces + piece];
  }
#pragma unroll
  for (float& sum : sums) sum = sum_of_lanes(sum);
  if (lane_id() != 0) return;
  mix[first] = sums[0];
  if (has_second) mix[second] = sums[1];
}

// The last warp: r for its block, and in a token's first block the gates whose iterations nobody waits for but the
// kernel behind the next.
__device__ inline void write_gates_of(const HyperConnectionKernel& args, SharedGates& gates, std::int64_t token,
                                      bool all) {
  const auto channels = static_cast<int>(args.channels);
  const int groups = kFourStreams * channels / kGroup;
  if (lane_id() < kMixes) gates.base[lane_id()] = args.base[lane_id()];
  if (lane_id() < 3) gates.scale[lane_id()] = args.scale[lane_id()];
  cluster_wait();
#pragma unroll 1
  for (int turn = 0; turn < 2; ++turn) {
    const bool counts = turn == 1;
    if (counts) wait_for_earlier_kernels();
    const float* sums = counts ? args.squares + token * groups * kSumColumns : args.norm;
    const float squares = joined_few<kFourStreams * kMostCluster * kMostOwn>(sums, groups);
    const float r = inverse_rms(squares, kFourStreams * channels, args.norm_eps);
    if (lane_id() == 0) gates.r = r;
    meet_all();
    if (!all) continue;
    write_post_and_comb(
        {.mix = counts ? gates.mix : gates.base,
         .scale = gates.scale,
         .base = gates.base,
         .pre = nullptr,
         .post = counts ? args.post + token * kFourStreams : gates.rehearsed,
         .comb = counts ? args.comb + token * kFourStreams * kFourStreams : gates.rehearsed + kFourStreams,
         .streams = kFourStreams,
         .iterations = counts ? args.iterations : 2,
         .eps = args.eps},
        r);
  }
}

// Four channels a lane, normed, as the next products pack them: a warp has 128.
__device__ inline void write_codes(std::uint64_t* to, std::uint32_t launch, int channel, const float4& x) {
  const unsigned largest = largest_bits(x);
  const int exponent = e4m3_exponent(largest);
  write_there(to + channel / 4,
              with_launch(four_e4m3(scaled(x, power(-exponent))), e4m3_scale(largest, exponent), launch));
}

// One warp of the first block has the Sinkhorn iterations, which nobody here waits for. All blocks have `pre`. kLeaves:
// the row goes to the next products ahead of these iterations' end.
//
// While they have to wait, all warps go through everything once with other numbers, so that the instructions are there.
template <int kOwn, bool kLeaves>
__global__ void __launch_bounds__(kThreads) collapse_few(const __grid_constant__ HyperConnectionKernel args) {
  let_later_kernels_begin();
  __shared__ __align__(8) std::uint64_t arrived[2];  // the sums of all blocks' groups, of each turn
  __shared__ SharedGates gates;
  __shared__ __align__(16) float row[kOwn * kGroup];
  __shared__ float sums_of_turns[2][kMostCluster * kOwn * kSumColumns];
  const auto channels = static_cast<int>(args.channels);
  const int row_groups = channels / kGroup;
  const int cluster = row_groups / kOwn;
  if (threadIdx.x == 0) {
    for (std::uint64_t& barrier : arrived) barrier_init(shared_address(&barrier), 1);
    fence_barrier_init();
    for (std::uint64_t& barrier : arrived)
      expect_bytes(shared_address(&barrier), static_cast<std::uint32_t>(row_groups * kSumColumns * sizeof(float)), 0);
  }
  cluster_arrive_relaxed();
  const int rank = static_cast<int>(blockIdx.x) % cluster;
  const std::int64_t token = blockIdx.x / static_cast<unsigned>(cluster);
  const int place = rank * kOwn * kGroup + static_cast<int>(threadIdx.x);  // of a thread's first channel
  const int gate = lane_id() % kFourStreams;
  const bool has_channels = warp_id() < kWarps;
  if (!has_channels) return write_gates_of(args, gates, token, rank == 0);
  float norm[kOwn] = {};
#pragma unroll
  for (int own = 0; own < kOwn; ++own) norm[own] = args.norm[place + own * kGroup];
  // Of a warp that writes codes: its first ones have the block's channels, 128 each.
  const int packed = warp_id() * kFour * kWarp + kFour * lane_id();
  const bool packs = kLeaves && warp_id() < kOwn * kGroup / (kFour * kWarp);
  float4 four_norms = {};
  if (packs) {
    const float* from = args.norm + rank * kOwn * kGroup + packed;
    four_norms = {from[0], from[1], from[2], from[3]};
  }
  const std::uint32_t launch = kLeaves ? launch_of(args.awaited) : 0;
  cluster_wait();  // the others are there to be written to
#pragma unroll 1
  for (int turn = 0; turn < 2; ++turn) {
    const bool counts = turn == 1;
    if (counts) {
      wait_for_earlier_kernels();
      if constexpr (kLeaves)
        if (rank == 0 && threadIdx.x == 0) write_there(args.awaited.numbers + kAwaitedSoon, with_launch(0.0F, launch));
    }
    // Not from where the sums will be, which would stay in the first-level cache as they are now.
    const float* streams = (counts ? args.x + token * kFourStreams * channels : args.norm) + place;
    const int stream_step = counts ? channels : 0;
    float x[kOwn][kFourStreams];
#pragma unroll
    for (int own = 0; own < kOwn; ++own)
#pragma unroll
      for (int from = 0; from < kFourStreams; ++from) x[own][from] = streams[from * stream_step + own * kGroup];
    join_mixes(counts ? args.parts + token * kMixes * args.pieces : args.norm, static_cast<int>(args.pieces), rank == 0,
               gates.mix);
    meet_all();
    const float r = gates.r;
    const float pre = pre_gate(gates.mix[gate], r, gates.scale[0], gates.base[gate], args.eps);
    if (counts && rank == 0 && threadIdx.x < kFourStreams) args.pre[token * kFourStreams + gate] = pre;
    float weights[kFourStreams];
#pragma unroll
    for (int from = 0; from < kFourStreams; ++from) weights[from] = __shfl_sync(kAllLanes, pre, from);
#pragma unroll
    for (int own = 0; own < kOwn; ++own) {
      float sum = 0.0F;
#pragma unroll
      for (int from = 0; from < kFourStreams; ++from) sum += weights[from] * x[own][from];
      x[own][0] = sum;
      row[own * kGroup + threadIdx.x] = sum;
    }
    meet_others();
    float* row_sums = sums_of_turns[turn];
    const std::uint32_t barrier = shared_address(&arrived[turn]);
    if (warp_id() < kOwn) {  // a group's squares, into the same place of every block's memory
      const float* values = row + warp_id() * kGroup + lane_id();
      const float sum = sum_of_rows(0, kSumStep, [values](std::int64_t step) {
        const float value = values[step * kSumColumns];
        return value * value;
      });
      const std::uint32_t address = shared_address(row_sums + (rank * kOwn + warp_id()) * kSumColumns + lane_id());
#pragma unroll
      for (int other = 0; other < kMostCluster; ++other)
        if (other < cluster) send_there(address_in(address, other), sum, address_in(barrier, other));
    }
    barrier_wait(barrier, 0);
    const float scale = inverse_rms(joined_few<kMostCluster * kOwn>(row_sums, row_groups), channels, args.norm_eps);
    // Of a rehearsal somewhere else, or it would not be one.
    [[maybe_unused]] std::uint64_t* numbers = nullptr;
    if constexpr (kLeaves) numbers = args.awaited.numbers + (counts ? 0 : kAwaitedNumbers);
    if (packs) {
      const float4 sums = *reinterpret_cast<const float4*>(row + packed);
      write_codes(numbers + kAwaitedCodes, launch, rank * kOwn * kGroup + packed,
                  {sums.x * scale * four_norms.x, sums.y * scale * four_norms.y, sums.z * scale * four_norms.z,
                   sums.w * scale * four_norms.w});
    }
    float* out = args.out + token * channels;
    if constexpr (kLeaves) {
      if (!counts) out = reinterpret_cast<float*>(numbers);
    } else {
      if (!counts) continue;
    }
#pragma unroll
    for (int own = 0; own < kOwn; ++own) {
      const int channel = place + own * kGroup;
      const float value = x[own][0] * scale * norm[own];
      if constexpr (kLeaves) write_there(numbers + awaited_float(channel), with_launch(value, launch));
      out[channel] = value;
    }
    __syncwarp();
  }
}

// Groups of channels that a block has; 0: none can. A lone block is no cluster, to whose memory it could send.
inline int own_groups(std::int64_t channels) {
  if (channels < 2 * kGroup || channels % kGroup != 0) return 0;
  for (int own = 1; own <= kMostOwn; ++own)
    if (channels / kGroup % own == 0 && channels / kGroup / own <= kMostCluster) return own;
  return 0;
}

inline void launch_pieces(const DeepProductKernel& args, float* squares, Stream stream) {
  const bool one = args.rows == 1;
  const auto blocks =
      static_cast<unsigned>(args.in / kFourStreams / kGroup * kQuarters) * blocks_for(args.rows, one ? 1 : kFewTokens);
  launch(stream, "sum_pieces_and_squares", {.blocks = {blocks}, .threads = kPieceThreads, .chained = stream.chained},
         one ? sum_pieces_and_squares<1> : sum_pieces_and_squares<kFewTokens>, args, squares);
}

inline void launch_collapse(const HyperConnectionKernel& args, Stream stream) {
  const int own = own_groups(args.channels);
  const auto cluster = static_cast<unsigned>(args.channels / kGroup / own);
  launch(stream, "collapse_few",
         {.blocks = {static_cast<unsigned>(args.tokens) * cluster},
          .threads = kThreads,
          .cluster = cluster,
          .chained = true},
         args.awaited.numbers == nullptr ? (own == 1 ? collapse_few<1, false> : collapse_few<kMostOwn, false>)
                                         : (own == 1 ? collapse_few<1, true> : collapse_few<kMostOwn, true>),
         args);
}

}  // namespace fathom::cuda::hyper_token
