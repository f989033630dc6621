#include "fathom/backends/cuda/kernels/streams.h"

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kGateThreads = 512;  // sixteen warps: a row of 4 x 4096 is two steps of each
constexpr int kFour = 4;

// 1 / rms of a token's streams, by the whole block.
__device__ float inverse_rms(const float* x, std::int64_t count, float eps, float* parts) {
  const float squares = block_row_sum(count, parts, [x](std::int64_t element) { return x[element] * x[element]; });
  return 1.0F / sqrtf(squares / static_cast<float>(count) + eps);
}

// Four streams: entry `lane % 16` of the matrix lies with that lane, and sums run over lanes in ascending order.
__device__ float sum_of_row(float value) {
  const int first = lane_id() / kFour * kFour;
  float sum = 0.0F;
#pragma unroll
  for (int column = 0; column < kFour; ++column) sum += __shfl_sync(kAllLanes, value, first + column);
  return sum;
}
__device__ float sum_of_column(float value) {
  const int first = lane_id() % kFour;
  float sum = 0.0F;
#pragma unroll
  for (int row = 0; row < kFour; ++row) sum += __shfl_sync(kAllLanes, value, first + row * kFour);
  return sum;
}
__device__ float largest_of_row(float value) {
  value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
  return fmaxf(value, __shfl_xor_sync(kAllLanes, value, 2));
}

// Softmax over rows' columns, + eps, columns normalised once; then rows and columns in turn, ending on columns.
__device__ float sinkhorn_of_four(float value, std::int64_t iterations, float eps) {
  value = released_exp(value - largest_of_row(value));
  value = value * (1.0F / sum_of_row(value)) + eps;
  value /= sum_of_column(value) + eps;
  for (std::int64_t iteration = 1; iteration < iterations; ++iteration) {
    value /= sum_of_row(value) + eps;
    value /= sum_of_column(value) + eps;
  }
  return value;
}

// Any number of streams, by one thread, in place.
__device__ void normalise(float* comb, int streams, bool rows, float eps) {
  const int outer_step = rows ? streams : 1;
  const int inner_step = rows ? 1 : streams;
  for (int outer = 0; outer < streams; ++outer) {
    float* line = comb + outer * outer_step;
    float sum = 0.0F;
    for (int inner = 0; inner < streams; ++inner) sum += line[inner * inner_step];
    for (int inner = 0; inner < streams; ++inner) line[inner * inner_step] /= sum + eps;
  }
}

__device__ void sinkhorn(float* comb, int streams, std::int64_t iterations, float eps) {
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

// A block a token; the first warp has the gates.
__global__ void gates(GatesKernel args) {
  begin_in_turn();
  extern __shared__ float parts[];
  const std::int64_t token = blockIdx.x;
  const std::int64_t count = args.streams * args.channels;
  const float r = inverse_rms(args.x + token * count, count, args.norm_eps, parts);
  if (warp_id() != 0) return;
  const int streams = static_cast<int>(args.streams);
  const float* mix = args.mix + token * (2 + streams) * streams;
  const auto gate = [&](int index, int part) { return mix[index] * r * args.scale[part] + args.base[index]; };
  const int lane = lane_id();
  if (lane < streams) {
    args.pre[token * streams + lane] = released_sigmoid(gate(lane, 0)) + args.eps;
    args.post[token * streams + lane] = 2.0F * released_sigmoid(gate(streams + lane, 1));
  }
  float* comb = args.comb + token * streams * streams;
  if (streams == kFour) {
    const float value = sinkhorn_of_four(gate(2 * kFour + lane % (kFour * kFour), 2), args.iterations, args.eps);
    if (lane < kFour * kFour) comb[lane] = value;
  } else if (lane == 0) {
    for (int index = 0; index < streams * streams; ++index) comb[index] = gate(2 * streams + index, 2);
    sinkhorn(comb, streams, args.iterations, args.eps);
  }
}

__global__ void head_gates(HeadGatesKernel args) {
  begin_in_turn();
  extern __shared__ float parts[];
  const std::int64_t token = blockIdx.x;
  const std::int64_t count = args.streams * args.channels;
  const float r = inverse_rms(args.x + token * count, count, args.norm_eps, parts);
  if (static_cast<std::int64_t>(threadIdx.x) >= args.streams) return;
  const std::int64_t place = token * args.streams + threadIdx.x;
  args.pre[place] = released_sigmoid(args.mix[place] * r * args.scale[0] + args.base[threadIdx.x]) + args.eps;
}

__global__ void collapse(CollapseKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place >= args.tokens * args.channels) return;
  const std::int64_t token = place / args.channels;
  const float* x = args.x + token * args.streams * args.channels + place % args.channels;
  const float* pre = args.pre + token * args.streams;
  float sum = 0.0F;
  for (std::int64_t stream = 0; stream < args.streams; ++stream) sum += pre[stream] * x[stream * args.channels];
  args.out[place] = sum;
}

// out[k] = post[k] * y + sum_i comb[i, k] * x[i]
template <int kCount>  // streams, 0: any number up to kMostStreams
__global__ void expand(ExpandKernel args) {
  begin_in_turn();
  constexpr int kHeld = kCount > 0 ? kCount : static_cast<int>(kMostStreams);
  const std::int64_t place = global_thread();
  if (place >= args.tokens * args.channels) return;
  const int streams = kCount > 0 ? kCount : static_cast<int>(args.streams);
  const std::int64_t token = place / args.channels;
  float* x = args.x + token * streams * args.channels + place % args.channels;
  const float* comb = args.comb + token * streams * streams;
  const float y = args.y[place];
  float old[kHeld];
#pragma unroll
  for (int from = 0; from < kHeld; ++from) old[from] = from < streams ? x[from * args.channels] : 0.0F;
#pragma unroll
  for (int to = 0; to < kHeld; ++to) {
    if (to >= streams) break;
    float sum = 0.0F;
#pragma unroll
    for (int from = 0; from < kHeld; ++from)
      if (from < streams) sum += comb[from * streams + to] * old[from];
    x[to * args.channels] = args.post[token * streams + to] * y + sum;
  }
}

std::size_t sum_bytes(std::int64_t count) {
  return static_cast<std::size_t>(block_row_sum_floats(count)) * sizeof(float);
}

}  // namespace

void launch_gates(const GatesKernel& args, Stream stream) {
  if (args.tokens == 0) return;
  launch(stream, "gates",
         {.blocks = {blocks_for(args.tokens, 1)},
          .threads = kGateThreads,
          .shared_bytes = static_cast<unsigned>(sum_bytes(args.streams * args.channels)),
          .chained = stream.chained},
         gates, args);
}

void launch_head_gates(const HeadGatesKernel& args, Stream stream) {
  if (args.tokens == 0) return;
  launch(stream, "head_gates",
         {.blocks = {blocks_for(args.tokens, 1)},
          .threads = kGateThreads,
          .shared_bytes = static_cast<unsigned>(sum_bytes(args.streams * args.channels)),
          .chained = stream.chained},
         head_gates, args);
}

void launch_collapse(const CollapseKernel& args, Stream stream) {
  if (args.tokens * args.channels == 0) return;
  launch(
      stream, "collapse",
      {.blocks = {blocks_for(args.tokens * args.channels, kThreads)}, .threads = kThreads, .chained = stream.chained},
      collapse, args);
}

void launch_expand(const ExpandKernel& args, Stream stream) {
  if (args.tokens * args.channels == 0) return;
  auto* kernel = args.streams == kFour ? expand<kFour> : expand<0>;
  launch(
      stream, "expand",
      {.blocks = {blocks_for(args.tokens * args.channels, kThreads)}, .threads = kThreads, .chained = stream.chained},
      kernel, args);
}

}  // namespace fathom::cuda
