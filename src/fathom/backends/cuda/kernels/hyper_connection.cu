#include "fathom/backends/cuda/kernels/hyper_connection.h"

#include "fathom/backends/cuda/kernels/cluster.cuh"
#include "fathom/backends/cuda/kernels/deep_sum.cuh"
#include "fathom/backends/cuda/kernels/hyper_connection_rows.cuh"
#include "fathom/backends/cuda/kernels/hyper_connection_sums.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/sinkhorn.cuh"
#include "fathom/backends/cuda/kernels/streams.h"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 512;
constexpr std::int64_t kMostBytes = 48 << 10;  // of shared memory, without asking for more
constexpr int kMostMixes = (2 + kMostStreams) * kMostStreams;

std::int64_t shared_floats(std::int64_t streams, std::int64_t channels) {
  return block_row_sum_floats(streams * channels) + channels;
}

// A token's gates: its mix and `pre` lie with the block.
__device__ TokenGates gates_of(const HyperConnectionKernel& args, std::int64_t token, const float* mix, float* pre) {
  const auto streams = static_cast<int>(args.streams);
  return {.mix = mix,
          .scale = args.scale,
          .base = args.base,
          .pre = pre,
          .post = args.post + token * streams,
          .comb = args.comb + token * streams * streams,
          .streams = streams,
          .iterations = args.iterations,
          .eps = args.eps};
}

// A block a token. Every sum is that of the separate kernels (streams.cu, rows.cu).
__global__ void __launch_bounds__(kThreads) hyper_connection(const __grid_constant__ HyperConnectionKernel args) {
  begin_in_turn();
  extern __shared__ float memory[];
  __shared__ float mix[kMostMixes];
  __shared__ float pre[kMostStreams];
  const std::int64_t token = blockIdx.x;
  const auto streams = static_cast<int>(args.streams);
  const int mixes = (2 + streams) * streams;
  float* row = memory;
  float* sums = memory + args.channels;
  for (int output = warp_id(); output < mixes; output += kThreads / kWarp) {
    const float sum = joined_pieces(args.parts + (token * mixes + output) * args.pieces, args.pieces);
    if (lane_id() == 0) mix[output] = sum;
  }
  const std::int64_t count = args.streams * args.channels;
  const float* x = args.x + token * count;
  const float squares = block_row_sum(count, sums, [x](std::int64_t element) { return x[element] * x[element]; });
  if (warp_id() == 0) {
    write_gates(gates_of(args, token, mix, pre), 1.0F / sqrtf(squares / static_cast<float>(count) + args.norm_eps));
    __syncwarp();
    if (lane_id() < streams) args.pre[token * streams + lane_id()] = pre[lane_id()];
  }
  __syncthreads();
  for (std::int64_t channel = threadIdx.x; channel < args.channels; channel += kThreads) {
    float sum = 0.0F;
    for (int from = 0; from < streams; ++from) sum += pre[from] * x[from * args.channels + channel];
    row[channel] = sum;
  }
  const float row_squares =
      block_row_sum(args.channels, sums, [row](std::int64_t element) { return row[element] * row[element]; });
  const float scale = 1.0F / sqrtf(row_squares / static_cast<float>(args.channels) + args.norm_eps);
  for (std::int64_t channel = threadIdx.x; channel < args.channels; channel += kThreads)
    args.out[token * args.channels + channel] = row[channel] * scale * args.norm[channel];
}

constexpr std::int64_t kFewTokens = 64;
constexpr int kMostCluster = 8;
constexpr int kMostGroups = 64;               // of a token's streams
constexpr int kGatesWarp = kThreads / kWarp;  // one more than share the channels
constexpr int kClusterThreads = kThreads + kWarp;

// The sum of a group's squares in each of its 32 columns, into the same place of every block's memory.
__device__ void share_group(const float* x, float* sums, int group, int cluster) {
  const float sum = sum_of_rows(0, kSumStep, [&](std::int64_t row) {
    const float value = x[row * kSumColumns + lane_id()];
    return value * value;
  });
  const auto place = static_cast<std::uint32_t>(__cvta_generic_to_shared(sums + group * kSumColumns + lane_id()));
  for (int rank = 0; rank < cluster; ++rank) store_there(address_in(place, rank), sum);
}

__device__ void meet_others() { asm volatile("bar.sync 1, %0;" ::"n"(kThreads) : "memory"); }

// A cluster a token, for few of them: each block has some of the channels, the sums of groups go to all. One warp of
// the first block has the Sinkhorn iterations, which nobody here waits for.
__global__ void __launch_bounds__(kClusterThreads)
    hyper_connection_by_clusters(const __grid_constant__ HyperConnectionKernel args, int cluster) {
  let_later_kernels_begin();
  cluster_arrive();
  __shared__ float mix[kMostMixes];
  __shared__ float pre[kMostStreams];
  __shared__ float sums[kMostGroups * kSumColumns];
  __shared__ float row_sums[kMostGroups * kSumColumns];
  extern __shared__ float row[];  // [channels of this block]
  const int rank = static_cast<int>(blockIdx.x) % cluster;
  const std::int64_t token = blockIdx.x / cluster;
  const auto streams = static_cast<int>(args.streams);
  const auto channels = static_cast<int>(args.channels);
  const int mixes = (2 + streams) * streams;
  const int own = channels / cluster;
  const int own_groups = own / kGroup;
  const int row_groups = channels / kGroup;
  const float* x = args.x + token * streams * channels + rank * own;
  send_for(args.norm + rank * own, own);
  send_for(args.base, mixes);
  cluster_wait();  // the others are there to be written to
  wait_for_earlier_kernels();
  for (int part = warp_id(); part < streams * own_groups; part += kClusterThreads / kWarp) {
    const int from = part / own_groups;
    const int group = part % own_groups;
    share_group(x + from * channels + group * kGroup, sums, from * row_groups + rank * own_groups + group, cluster);
  }
  for (int output = kGatesWarp - warp_id(); output < mixes; output += kClusterThreads / kWarp) {
    const float sum = joined_pieces(args.parts + (token * mixes + output) * args.pieces, args.pieces);
    if (lane_id() == 0) mix[output] = sum;
  }
  __syncthreads();
  cluster_arrive();
  cluster_wait();
  const TokenGates gates = gates_of(args, token, mix, pre);
  const auto inverse_rms = [&](float squares, int count) {
    return 1.0F / sqrtf(squares / static_cast<float>(count) + args.norm_eps);
  };
  if (warp_id() == kGatesWarp) {
    cluster_arrive();
    if (rank == 0)
      write_post_and_comb(gates, inverse_rms(joined_groups(sums, streams * row_groups), streams * channels));
    cluster_wait();
    return;
  }
  if (warp_id() == 0) {
    write_pre(gates, inverse_rms(joined_groups(sums, streams * row_groups), streams * channels));
    __syncwarp();
    if (rank == 0 && lane_id() < streams) args.pre[token * streams + lane_id()] = pre[lane_id()];
  }
  meet_others();
  for (int channel = threadIdx.x; channel < own; channel += kThreads) {
    float sum = 0.0F;
    for (int from = 0; from < streams; ++from) sum += pre[from] * x[from * channels + channel];
    row[channel] = sum;
  }
  meet_others();
  for (int group = warp_id(); group < own_groups; group += kThreads / kWarp)
    share_group(row + group * kGroup, row_sums, rank * own_groups + group, cluster);
  cluster_arrive();
  cluster_wait();
  const float scale = inverse_rms(joined_groups(row_sums, row_groups), channels);
  for (int channel = threadIdx.x; channel < own; channel += kThreads)
    args.out[token * channels + rank * own + channel] = row[channel] * scale * args.norm[rank * own + channel];
}

// The most blocks that share a row's channels in whole groups; 0: none can.
int cluster_of(const HyperConnectionKernel& args) {
  if (args.channels % kGroup != 0 || args.streams * args.channels > std::int64_t{kMostGroups} * kGroup) return 0;
  for (int cluster = kMostCluster; cluster > 1; --cluster)
    if (args.channels / kGroup % cluster == 0) return cluster;
  return 0;
}

}  // namespace

bool hyper_connection_fits(std::int64_t streams, std::int64_t channels) {
  constexpr std::int64_t kStatic = (kMostMixes + kMostStreams) * static_cast<std::int64_t>(sizeof(float));
  return streams <= kMostStreams &&
         shared_floats(streams, channels) * static_cast<std::int64_t>(sizeof(float)) + kStatic <= kMostBytes;
}

void launch_hyper_connection(const HyperConnectionKernel& args, Stream stream) {
  if (args.tokens == 0) return;
  if (hyper_rows::fits(args)) return hyper_rows::launch_rows(args, stream);
  const int cluster = stream.chained && args.tokens < kFewTokens ? cluster_of(args) : 0;
  if (cluster > 0) {
    launch(stream, "hyper_connection_by_clusters",
           {.blocks = {static_cast<unsigned>(args.tokens * cluster)},
            .threads = kClusterThreads,
            .shared_bytes = static_cast<unsigned>(static_cast<std::size_t>(args.channels / cluster) * sizeof(float)),
            .cluster = static_cast<unsigned>(cluster),
            .chained = true},
           hyper_connection_by_clusters, args, cluster);
    return;
  }
  launch(stream, "hyper_connection",
         {.blocks = {blocks_for(args.tokens, 1)},
          .threads = kThreads,
          .shared_bytes = static_cast<unsigned>(shared_floats(args.streams, args.channels) * sizeof(float)),
          .chained = stream.chained},
         hyper_connection, args);
}

}  // namespace fathom::cuda
