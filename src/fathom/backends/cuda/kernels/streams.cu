#include "fathom/backends/cuda/kernels/streams.h"

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"
#include "fathom/backends/cuda/kernels/sinkhorn.cuh"
#include "fathom/backends/cuda/kernels/slot_sum.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kManyTokens = 64;
constexpr int kGateThreads = 512;  // sixteen warps: a row of 4 x 4096 is two steps of each

// 1 / rms of a token's streams, by the whole block.
__device__ float inverse_rms(const float* x, std::int64_t count, float eps, float* parts) {
  const float squares = block_row_sum(count, parts, [x](std::int64_t element) { return x[element] * x[element]; });
  return 1.0F / sqrtf(squares / static_cast<float>(count) + eps);
}

// A block a token; the first warp has the gates.
__global__ void gates(GatesKernel args) {
  begin_in_turn();
  extern __shared__ float parts[];
  const std::int64_t token = blockIdx.x;
  const std::int64_t count = args.streams * args.channels;
  const float r = inverse_rms(args.x + token * count, count, args.norm_eps, parts);
  if (warp_id() != 0) return;
  const auto streams = static_cast<int>(args.streams);
  write_gates({.mix = args.mix + token * (2 + streams) * streams,
               .scale = args.scale,
               .base = args.base,
               .pre = args.pre + token * streams,
               .post = args.post + token * streams,
               .comb = args.comb + token * streams * streams,
               .streams = streams,
               .iterations = args.iterations,
               .eps = args.eps},
              r);
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

// Four streams, four channels a thread.
template <bool kSums>
__global__ void __launch_bounds__(kThreads)
    expand_fours(const __grid_constant__ ExpandKernel args, std::uint32_t blocks_of_token) {
  begin_in_turn();
  const std::int64_t fours = args.channels / 4;
  const std::int64_t token = blockIdx.x / blocks_of_token;
  const std::int64_t four = std::int64_t{blockIdx.x % blocks_of_token} * kThreads + threadIdx.x;
  if (four >= fours) return;
  auto* x = reinterpret_cast<float4*>(args.x) + token * kFourStreams * fours + four;
  float4 y = reinterpret_cast<const float4*>(args.y)[token * fours + four];
  float4 old[kFourStreams];
#pragma unroll
  for (int from = 0; from < kFourStreams; ++from) old[from] = x[from * fours];
  if constexpr (kSums) y = added(sum_of_slots(args.before, token, four), y);
  const float* comb = args.comb + token * kFourStreams * kFourStreams;
#pragma unroll
  for (int to = 0; to < kFourStreams; ++to) {
    float4 sum = {};
#pragma unroll
    for (int from = 0; from < kFourStreams; ++from) {
      const float weight = comb[from * kFourStreams + to];
      sum.x += weight * old[from].x;
      sum.y += weight * old[from].y;
      sum.z += weight * old[from].z;
      sum.w += weight * old[from].w;
    }
    const float post = args.post[token * kFourStreams + to];
    x[to * fours] = {post * y.x + sum.x, post * y.y + sum.y, post * y.z + sum.z, post * y.w + sum.w};
  }
}

bool in_fours(const ExpandKernel& args) {
  const auto aligned = [](const float* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; };
  return args.streams == kFourStreams && args.channels % 4 == 0 && aligned(args.x) && aligned(args.y);
}

bool expand_in_fours(const ExpandKernel& args) { return args.tokens >= kManyTokens && in_fours(args); }

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

bool expand_sums(const ExpandKernel& args) { return in_fours(args); }

void launch_expand(const ExpandKernel& args, Stream stream) {
  if (args.tokens * args.channels == 0) return;
  if (expand_in_fours(args) || args.before.rows != nullptr) {
    const unsigned blocks = blocks_for(args.channels / 4, kThreads);
    launch(stream, "expand_fours",
           {.blocks = {static_cast<unsigned>(args.tokens) * blocks}, .threads = kThreads, .chained = stream.chained},
           args.before.rows != nullptr ? expand_fours<true> : expand_fours<false>, args, blocks);
    return;
  }
  auto* kernel = args.streams == kFourStreams ? expand<kFourStreams> : expand<0>;
  launch(
      stream, "expand",
      {.blocks = {blocks_for(args.tokens * args.channels, kThreads)}, .threads = kThreads, .chained = stream.chained},
      kernel, args);
}

}  // namespace fathom::cuda
