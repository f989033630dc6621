#include "fathom/backends/cuda/kernels/new_rows.h"

#include "fathom/backends/cuda/kernels/encode_rows.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/norm_rotate_few.cuh"
#include "fathom/backends/cuda/kernels/query_codes.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"
#include "fathom/backends/cuda/kernels/rounded_queries.cuh"
#include "fathom/backends/cuda/kernels/turned_row.cuh"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kRowThreads = 256;
constexpr std::int64_t kFewRows = 128;

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
  transform_row(row, dim, args.scale);
  if (args.rounded) round_index_row(row, dim);
  __syncwarp();
  for (int column = lane_id(); column < dim; column += kWarp) x[column] = row[column];
}

// The same for rows of 128, by a warp in registers: a lane has four columns side by side, and a scale eight lanes.
constexpr int kLaneColumns = 4;
constexpr int kQueryDim = kLaneColumns * kWarp;

__device__ void turn_columns(float (&x)[kLaneColumns], const Angles& angles) {
#pragma unroll
  for (int even = 0; even < kLaneColumns; even += 2) {
    const std::int64_t pair = (lane_id() * kLaneColumns + even - kQueryDim) / 2 + angles.pairs;
    if (pair < 0) continue;
    const float cosine = angles.cosine[pair];
    const float sine = angles.sine[pair];
    const float real = x[even] * cosine - x[even + 1] * sine;
    x[even + 1] = x[even] * sine + x[even + 1] * cosine;
    x[even] = real;
  }
}

__device__ void transform_columns(float (&x)[kLaneColumns]) {
#pragma unroll
  for (int half = 1; half < kLaneColumns; half *= 2) {
#pragma unroll
    for (int pair = 0; pair < kLaneColumns / 2; ++pair) {
      const int column = pair / half * 2 * half + pair % half;
      const float low = x[column];
      const float high = x[column + half];
      x[column] = low + high;
      x[column + half] = low - high;
    }
  }
#pragma unroll
  for (int distance = 1; distance < kWarp; distance *= 2) {
    const bool is_high = (lane_id() & distance) != 0;
#pragma unroll
    for (int column = 0; column < kLaneColumns; ++column)
      x[column] = __shfl_xor_sync(kAllLanes, x[column], distance) + (is_high ? -x[column] : x[column]);
  }
}

__device__ void round_columns(float (&x)[kLaneColumns]) {
  constexpr int kLanes = static_cast<int>(kIndexScaleGroup) / kLaneColumns;
  float largest = fmaxf(fmaxf(fabsf(x[0]), fabsf(x[1])), fmaxf(fabsf(x[2]), fabsf(x[3])));
#pragma unroll
  for (int distance = 1; distance < kLanes; distance *= 2)
    largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, distance));
  const unsigned exponent = index_exponent_of(largest);
  const float scale = widened_e8m0(exponent);
  const float inverse = widened_e8m0(254U - exponent);
#pragma unroll
  for (int column = 0; column < kLaneColumns; ++column) x[column] = rounded_to_e2m1(x[column] * inverse) * scale;
}

__global__ void __launch_bounds__(kWarps* kWarp) index_queries_of_128(const __grid_constant__ IndexQueriesKernel args) {
  begin_in_turn();
  const std::int64_t head = global_thread() / kWarp;
  if (head >= args.rows * args.heads) return;
  const std::int64_t token = head / args.heads;
  auto* place = reinterpret_cast<float4*>(args.x + head * kQueryDim) + lane_id();
  const float4 read = *place;
  float x[kLaneColumns] = {read.x, read.y, read.z, read.w};
  turn_columns(x, {args.cosine + token * args.pairs, args.sine + token * args.pairs, args.pairs});
  transform_columns(x);
#pragma unroll
  for (int column = 0; column < kLaneColumns; ++column) x[column] *= args.scale;
  if (args.rounded) round_columns(x);
  const float4 rounded = {x[0], x[1], x[2], x[3]};
  *place = rounded;
  if (args.encoded.codes == nullptr) return;
  float scale = 0.0F;
  char4 codes;
  const bool exact = index_scores::encode_four(rounded, scale, codes);
  reinterpret_cast<char4*>(args.encoded.codes + head * kQueryDim)[lane_id()] = codes;
  constexpr int kLanesOfScale = static_cast<int>(kIndexScaleGroup) / kLaneColumns;
  if (lane_id() % kLanesOfScale == 0)
    args.encoded.scales[head * (kWarp / kLanesOfScale) + lane_id() / kLanesOfScale] = scale;
  const bool all_exact = __all_sync(kAllLanes, exact) != 0;
  if (lane_id() == 0) args.encoded.off_grid[head] = all_exact ? 0 : 1;
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

bool norm_rotate_takes_both(const NormRotateKernel& queries, const NormRotateKernel& keys) {
  return norm_rotate_few::fits(queries, keys);
}

void launch_norm_rotate_both(const NormRotateKernel& queries, const NormRotateKernel& keys,
                             const EntryCompletions& completions, Stream stream) {
  if (queries.rows + keys.rows > 0) norm_rotate_few::launch_both(queries, keys, completions, stream);
}

bool fits_rounded_queries(const NormRotateKernel& queries) { return rounded_queries::fits(queries); }

void launch_rounded_queries(const RoundedQueriesKernel& args, Stream stream) {
  rounded_queries::launch_rows(args, stream);
}

bool index_queries_encode(const float* x, std::int64_t index_dim) {
  return index_dim == kQueryDim && reinterpret_cast<std::uintptr_t>(x) % 16 == 0;
}

void launch_index_queries(const IndexQueriesKernel& args, Stream stream) {
  if (args.rows * args.heads == 0) return;
  const bool in_registers = index_queries_encode(args.x, args.index_dim);
  launch(stream, "index_queries",
         {.blocks = {blocks_for(args.rows * args.heads, kWarps)}, .threads = kWarps * kWarp, .chained = stream.chained},
         in_registers ? index_queries_of_128 : index_queries, args);
}

}  // namespace fathom::cuda
