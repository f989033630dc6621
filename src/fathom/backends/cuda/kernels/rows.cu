#include "fathom/backends/cuda/kernels/rows.h"

#include "fathom/backends/cuda/kernels/circle.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"
#include "fathom/backends/cuda/kernels/row_columns.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kWarpDim = 1024;  // rows up to here are a warp's, where there are many
constexpr std::int64_t kFewRows = 128;

__device__ void scale_row(const RmsNormKernel& args, std::int64_t row, float scale, int first, int step) {
  for (std::int64_t column = first; column < args.dim; column += step) {
    const float value = args.x[row * args.dim + column] * scale;
    args.out[row * args.dim + column] = args.weight == nullptr ? value : value * args.weight[column];
  }
}

__global__ void rms_norm_by_warps(RmsNormKernel args) {
  begin_in_turn();
  const std::int64_t row = global_thread() / kWarp;
  if (row >= args.rows) return;
  const float* x = args.x + row * args.dim;
  const float squares = warp_row_sum(args.dim, [x](std::int64_t element) { return x[element] * x[element]; });
  __syncwarp();  // in place: every lane has read what another overwrites
  scale_row(args, row, inverse_rms(squares, args.dim, args.eps), lane_id(), kWarp);
}

__global__ void rms_norm_by_blocks(RmsNormKernel args) {
  if (args.weight != nullptr) send_for(args.weight, args.dim);
  begin_in_turn();
  extern __shared__ float parts[];
  const std::int64_t row = blockIdx.x;
  const float* x = args.x + row * args.dim;
  const float squares = block_row_sum(args.dim, parts, [x](std::int64_t element) { return x[element] * x[element]; });
  scale_row(args, row, inverse_rms(squares, args.dim, args.eps), static_cast<int>(threadIdx.x),
            static_cast<int>(blockDim.x));
}

constexpr int kGroup = kSumStep * kSumColumns;
constexpr int kMostGroups = 16;

// A block a row of whole groups, a warp a group, which stays in registers.
__global__ void __launch_bounds__(kMostGroups* kWarp) rms_norm_by_groups(RmsNormKernel args) {
  let_later_kernels_begin();
  __shared__ float sums[kMostGroups * kSumColumns];
  const int first = warp_id() * kGroup + lane_id();
  const std::int64_t row = std::int64_t{blockIdx.x} * args.dim + first;
  float weights[kSumStep];
  float values[kSumStep];
#pragma unroll
  for (int line = 0; line < kSumStep; ++line)
    weights[line] = args.weight == nullptr ? 0.0F : args.weight[first + line * kSumColumns];
  wait_for_earlier_kernels();
#pragma unroll
  for (int line = 0; line < kSumStep; ++line) values[line] = args.x[row + line * kSumColumns];
  sums[warp_id() * kSumColumns + lane_id()] =
      sum_of_rows(0, kSumStep, [&](std::int64_t line) { return values[line] * values[line]; });
  __syncthreads();
  const float squares = joined_few<kMostGroups>(sums, static_cast<int>(blockDim.x) / kWarp);
  const float scale = inverse_rms(squares, args.dim, args.eps);
#pragma unroll
  for (int line = 0; line < kSumStep; ++line) {
    const float value = values[line] * scale;
    args.out[row + line * kSumColumns] = args.weight == nullptr ? value : value * weights[line];
  }
}

// The release rounds the angle to float32 before it takes the cosine.
__global__ void rotary_table(RotaryTableKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place >= args.rows * args.pairs) return;
  const float angle = static_cast<float>(args.positions[place / args.pairs]) * args.frequencies[place % args.pairs];
  args.cosine[place] = on_circle(angle, true);
  args.sine[place] = on_circle(angle, false);
}

__global__ void rotate(RotateKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place >= args.rows * args.heads * args.pairs) return;
  const std::int64_t pair = place % args.pairs;
  const std::int64_t head = place / args.pairs;  // of all rows
  const std::int64_t angle = head / args.heads * args.pairs + pair;
  float* even = args.x + head * args.head_dim + args.head_dim - 2 * args.pairs + 2 * pair;
  const float cosine = args.cosine[angle];
  const float sine = args.inverse ? -args.sine[angle] : args.sine[angle];
  const float real = even[0] * cosine - even[1] * sine;
  const float imaginary = even[0] * sine + even[1] * cosine;
  even[0] = real;
  even[1] = imaginary;
}

// A block a row, butterflies of distance 1, 2, 4, ...
__global__ void hadamard(HadamardKernel args) {
  begin_in_turn();
  extern __shared__ float values[];
  float* x = args.x + static_cast<std::int64_t>(blockIdx.x) * args.dim;
  const int dim = static_cast<int>(args.dim);
  for (int column = threadIdx.x; column < dim; column += blockDim.x) values[column] = x[column];
  for (int half = 1; half < dim; half *= 2) {
    __syncthreads();
    for (int pair = threadIdx.x; pair < dim / 2; pair += blockDim.x) {
      const int column = pair / half * 2 * half + pair % half;
      const float low = values[column];
      const float high = values[column + half];
      values[column] = low + high;
      values[column + half] = low - high;
    }
  }
  __syncthreads();
  for (int column = threadIdx.x; column < dim; column += blockDim.x) x[column] = values[column] * args.scale;
}

__global__ void swiglu(SwigluKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place >= args.rows * args.dim) return;
  float gate = args.gate[place];
  float up = args.up[place];
  if (args.limit > 0.0F) {  // NaN passes
    gate = args.limit < gate ? args.limit : gate;
    up = up < -args.limit ? -args.limit : up;
    up = args.limit < up ? args.limit : up;
  }
  const float value = gate / (1.0F + released_exp(-gate)) * up;
  args.out[place] = args.weight == nullptr ? value : value * args.weight[place / args.dim];
}

__global__ void add(AddKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place < args.count) args.out[place] += args.x[place];
}

}  // namespace

void launch_rms_norm(const RmsNormKernel& args, Stream stream) {
  if (args.rows == 0 || args.dim == 0) return;
  if (args.rows < kFewRows && args.dim % kGroup == 0 && args.dim <= kMostGroups * kGroup) {
    launch(stream, "rms_norm_by_groups",
           {.blocks = {blocks_for(args.rows, 1)},
            .threads = static_cast<unsigned>(args.dim / kSumStep),
            .chained = stream.chained},
           rms_norm_by_groups, args);
  } else if (args.dim <= kWarpDim && (args.rows >= kFewRows || args.dim < kThreads)) {
    launch(stream, "rms_norm_by_warps",
           {.blocks = {blocks_for(args.rows * kWarp, kThreads)}, .threads = kThreads, .chained = stream.chained},
           rms_norm_by_warps, args);
  } else {
    const auto shared = static_cast<std::size_t>(block_row_sum_floats(args.dim)) * sizeof(float);
    launch(stream, "rms_norm_by_blocks",
           {.blocks = {blocks_for(args.rows, 1)},
            .threads = kThreads,
            .shared_bytes = static_cast<unsigned>(shared),
            .chained = stream.chained},
           rms_norm_by_blocks, args);
  }
}

void launch_rotary_table(const RotaryTableKernel& args, Stream stream) {
  if (args.rows * args.pairs == 0) return;
  launch(stream, "rotary_table",
         {.blocks = {blocks_for(args.rows * args.pairs, kThreads)}, .threads = kThreads, .chained = stream.chained},
         rotary_table, args);
}

void launch_rotate(const RotateKernel& args, Stream stream) {
  const std::int64_t turns = args.rows * args.heads * args.pairs;
  if (turns > 0)
    launch(stream, "rotate", {.blocks = {blocks_for(turns, kThreads)}, .threads = kThreads, .chained = stream.chained},
           rotate, args);
}

void launch_hadamard(const HadamardKernel& args, Stream stream) {
  if (args.rows == 0) return;
  const unsigned threads = args.dim >= 2 * kThreads ? kThreads : (args.dim >= 128 ? args.dim / 2 : kWarp);
  launch(stream, "hadamard",
         {.blocks = {blocks_for(args.rows, 1)},
          .threads = threads,
          .shared_bytes = static_cast<unsigned>(static_cast<std::size_t>(args.dim) * sizeof(float)),
          .chained = stream.chained},
         hadamard, args);
}

void launch_swiglu(const SwigluKernel& args, Stream stream) {
  if (args.rows * args.dim == 0) return;
  launch(stream, "swiglu",
         {.blocks = {blocks_for(args.rows * args.dim, kThreads)}, .threads = kThreads, .chained = stream.chained},
         swiglu, args);
}

void launch_add(const AddKernel& args, Stream stream) {
  if (args.count > 0)
    launch(stream, "add",
           {.blocks = {blocks_for(args.count, kThreads)}, .threads = kThreads, .chained = stream.chained}, add, args);
}

}  // namespace fathom::cuda
