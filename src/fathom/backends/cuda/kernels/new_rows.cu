#include "fathom/backends/cuda/kernels/new_rows.h"

#include "fathom/backends/cuda/kernels/encode_rows.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kRowThreads = 256;
constexpr std::int64_t kFewRows = 128;

// A row's last columns, in pairs; the warp's lanes see each other's before and after.
struct Angles {
  const float* cosine;  // [pairs]
  const float* sine;    // [pairs]
  std::int64_t pairs;
};
__device__ void turn(float* row, std::int64_t dim, const Angles& angles) {
  __syncwarp();
  for (std::int64_t pair = lane_id(); pair < angles.pairs; pair += kWarp) {
    float* even = row + dim - 2 * angles.pairs + 2 * pair;
    const float cosine = angles.cosine[pair];
    const float sine = angles.sine[pair];
    const float real = even[0] * cosine - even[1] * sine;
    const float imaginary = even[0] * sine + even[1] * cosine;
    even[0] = real;
    even[1] = imaginary;
  }
  __syncwarp();
}

__global__ void __launch_bounds__(kWarps* kWarp)
    norm_rotate(const __grid_constant__ NormRotateKernel args, EntryShape shape) {
  begin_in_turn();
  __shared__ float rows[kWarps][kMostNewRowDim];
  const std::int64_t head = global_thread() / kWarp;  // of all rows
  if (head >= args.rows * args.heads) return;
  const std::int64_t token = head / args.heads;
  float* row = rows[warp_id()];
  float* x = args.x + head * args.head_dim;
  for (std::int64_t column = lane_id(); column < args.head_dim; column += kWarp) row[column] = x[column];
  __syncwarp();
  const float squares =
      warp_row_sum(args.head_dim, [row](std::int64_t element) { return row[element] * row[element]; });
  const float scale = 1.0F / sqrtf(squares / static_cast<float>(args.head_dim) + args.eps);
  __syncwarp();
  for (std::int64_t column = lane_id(); column < args.head_dim; column += kWarp) {
    const float value = row[column] * scale;
    row[column] = args.weight == nullptr ? value : value * args.weight[column];
  }
  turn(row, args.head_dim, {args.cosine + token * args.pairs, args.sine + token * args.pairs, args.pairs});
  for (std::int64_t column = lane_id(); column < args.head_dim; column += kWarp) x[column] = row[column];
  if (args.encoded != nullptr) encode_entry_row(shape, row, args.encoded + token * shape.row_bytes);
}

// The same by a block a row, for few rows.
__global__ void __launch_bounds__(kRowThreads)
    norm_rotate_by_blocks(const __grid_constant__ NormRotateKernel args, EntryShape shape) {
  if (args.weight != nullptr) send_for(args.weight, args.head_dim);
  begin_in_turn();
  __shared__ float row[kMostNewRowDim];
  extern __shared__ float parts[];
  const std::int64_t head = blockIdx.x;
  const std::int64_t token = head / args.heads;
  float* x = args.x + head * args.head_dim;
  for (std::int64_t column = threadIdx.x; column < args.head_dim; column += kRowThreads) row[column] = x[column];
  const float squares =
      block_row_sum(args.head_dim, parts, [&](std::int64_t element) { return row[element] * row[element]; });
  const float scale = 1.0F / sqrtf(squares / static_cast<float>(args.head_dim) + args.eps);
  for (std::int64_t column = threadIdx.x; column < args.head_dim; column += kRowThreads) {
    const float value = row[column] * scale;
    row[column] = args.weight == nullptr ? value : value * args.weight[column];
  }
  __syncthreads();
  if (warp_id() == 0)
    turn(row, args.head_dim, {args.cosine + token * args.pairs, args.sine + token * args.pairs, args.pairs});
  __syncthreads();
  for (std::int64_t column = threadIdx.x; column < args.head_dim; column += kRowThreads) x[column] = row[column];
  if (args.encoded != nullptr)
    encode_entry_row(shape, row, args.encoded + token * shape.row_bytes, warp_id(), kRowThreads / kWarp);
}

__global__ void __launch_bounds__(kWarps* kWarp) index_queries(const __grid_constant__ IndexQueriesKernel args) {
  begin_in_turn();
  __shared__ float rows[kWarps][kMostNewRowDim];
  const std::int64_t head = global_thread() / kWarp;
  if (head >= args.rows * args.heads) return;
  const std::int64_t token = head / args.heads;
  const auto dim = static_cast<int>(args.index_dim);
  float* row = rows[warp_id()];
  float* x = args.x + head * dim;
  for (int column = lane_id(); column < dim; column += kWarp) row[column] = x[column];
  turn(row, dim, {args.cosine + token * args.pairs, args.sine + token * args.pairs, args.pairs});
  for (int half = 1; half < dim; half *= 2) {
    for (int pair = lane_id(); pair < dim / 2; pair += kWarp) {
      const int column = pair / half * 2 * half + pair % half;
      const float low = row[column];
      const float high = row[column + half];
      row[column] = low + high;
      row[column + half] = low - high;
    }
    __syncwarp();
  }
  for (int column = lane_id(); column < dim; column += kWarp) row[column] *= args.scale;
  __syncwarp();
  if (args.rounded) round_index_row(row, dim);
  __syncwarp();
  for (int column = lane_id(); column < dim; column += kWarp) x[column] = row[column];
}

}  // namespace

void launch_norm_rotate(const NormRotateKernel& args, Stream stream) {
  const std::int64_t heads = args.rows * args.heads;
  if (heads * args.head_dim == 0) return;
  if (heads < kFewRows && args.head_dim >= kRowThreads) {
    launch(stream, "norm_rotate_by_blocks",
           {.blocks = {blocks_for(heads, 1)},
            .threads = kRowThreads,
            .shared_bytes = static_cast<unsigned>(block_row_sum_floats(args.head_dim) * sizeof(float)),
            .chained = stream.chained},
           norm_rotate_by_blocks, args, entry_shape(args.format));
    return;
  }
  launch(stream, "norm_rotate",
         {.blocks = {blocks_for(heads, kWarps)}, .threads = kWarps * kWarp, .chained = stream.chained}, norm_rotate,
         args, entry_shape(args.format));
}

void launch_index_queries(const IndexQueriesKernel& args, Stream stream) {
  if (args.rows * args.heads == 0) return;
  launch(stream, "index_queries",
         {.blocks = {blocks_for(args.rows * args.heads, kWarps)}, .threads = kWarps * kWarp, .chained = stream.chained},
         index_queries, args);
}

}  // namespace fathom::cuda
