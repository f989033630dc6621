#include "fathom/backends/cuda/kernels/hyper_connection.h"

#include "fathom/backends/cuda/kernels/deep_sum.cuh"
#include "fathom/backends/cuda/kernels/hyper_connection_expand.cuh"
#include "fathom/backends/cuda/kernels/hyper_connection_rows.cuh"
#include "fathom/backends/cuda/kernels/hyper_connection_token.cuh"
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

bool aligned(const float* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

}  // namespace

bool hyper_connection_fits(std::int64_t streams, std::int64_t channels) {
  constexpr std::int64_t kStatic = (kMostMixes + kMostStreams) * static_cast<std::int64_t>(sizeof(float));
  return streams <= kMostStreams &&
         shared_floats(streams, channels) * static_cast<std::int64_t>(sizeof(float)) + kStatic <= kMostBytes;
}

bool hyper_connection_of_many(std::int64_t tokens, std::int64_t streams, std::int64_t channels) {
  return hyper_rows::takes_rows(tokens, streams, channels);
}

std::int64_t hyper_connection_squares(const DeepProductKernel& product, std::int64_t streams, Stream stream) {
  const std::int64_t channels = product.in / streams;
  const bool few = stream.chained && product.rows < kFewTokens && streams == kFourStreams &&
                   hyper_token::own_groups(channels) > 0 && aligned(product.x) && aligned(product.weight);
  return few ? product.rows * product.in / kSumStep : 0;
}

void launch_hyper_connection_sums(const DeepProductKernel& product, float* squares, Stream stream) {
  if (product.rows == 0) return;
  if (squares == nullptr) return launch_deep_product(product, stream);
  hyper_token::launch_pieces(product, squares, stream);
}

bool hyper_connection_expands(const ExpandKernel& expand, const DeepProductKernel& product, Stream stream) {
  return expand.x == product.x && expand.tokens == product.rows && product.outputs == hyper_token::kMixes &&
         hyper_connection_squares(product, expand.streams, stream) > 0 && hyper_token::expands(expand);
}

void launch_expand_and_sums(const ExpandKernel& expand, const DeepProductKernel& product, float* squares,
                            Stream stream) {
  hyper_token::launch_expand_and_sum(expand, product, squares, stream);
}

void launch_hyper_connection(const HyperConnectionKernel& args, Stream stream) {
  if (args.tokens == 0) return;
  if (args.squares != nullptr) return hyper_token::launch_collapse(args, stream);
  if (hyper_rows::fits(args)) return hyper_rows::launch_rows(args, stream);
  launch(stream, "hyper_connection",
         {.blocks = {blocks_for(args.tokens, 1)},
          .threads = kThreads,
          .shared_bytes = static_cast<unsigned>(shared_floats(args.streams, args.channels) * sizeof(float)),
          .chained = stream.chained},
         hyper_connection, args);
}

}  // namespace fathom::cuda
