#include "fathom/backends/cuda/kernels/cache_rows.h"

#include "fathom/backends/cuda/kernels/entry_rows.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 128;
constexpr float kE4m3AmaxFloor = 1e-4F;  // as the released kernels floor it
constexpr float kE2m1AmaxFloor = 6.0F * 0x1p-126F;

// A warp writes one row.
__device__ void encode_entry_row(const EntryShape& shape, const float* values, std::byte* row) {
  if (!shape.released) {
    for (int column = lane_id(); column < shape.head_dim; column += kWarp)
      write_float(values[column], row + 4 * column);
    return;
  }
  constexpr int kGroup = static_cast<int>(kNopeScaleGroup);
  for (int first = 0; first < shape.nope; first += kGroup) {
    const int end = min(first + kGroup, shape.nope);
    float largest = 0.0F;
    for (int column = first + lane_id(); column < end; column += kWarp) largest = fmaxf(largest, fabsf(values[column]));
    const float amax = fmaxf(warp_largest(largest), kE4m3AmaxFloor);
    const unsigned exponent = ceil_to_e8m0(amax * (1.0F / kE4m3Max));
    const float scale = widened_e8m0(exponent);
    if (lane_id() == 0) row[shape.scales + first / kGroup] = std::byte(static_cast<unsigned char>(exponent));
    for (int column = first + lane_id(); column < end; column += kWarp)
      row[column] = std::byte(float_to_e4m3(values[column] / scale));
  }
  for (int column = lane_id(); column < shape.rope; column += kWarp)
    write_u16(float_to_bf16(values[shape.nope + column]), row + shape.nope + 2 * column);
}

// The scale of 32 columns from `first` on, by a warp; `magnitude` is a lane's share of the largest.
__device__ unsigned index_exponent(float magnitude) {
  const float amax = fmaxf(warp_largest(magnitude), kE2m1AmaxFloor);
  return ceil_to_e8m0(amax * (1.0F / kE2m1Max));
}

__device__ void encode_index_row(const IndexKeyShape& shape, const float* values, std::byte* row) {
  if (!shape.released) {
    for (int column = lane_id(); column < shape.index_dim; column += kWarp)
      write_float(values[column], row + 4 * column);
    return;
  }
  for (int first = 0; first < shape.index_dim; first += kWarp) {
    const int column = first + lane_id();
    const float value = column < shape.index_dim ? values[column] : 0.0F;
    const unsigned exponent = index_exponent(fabsf(value));
    const unsigned code = float_to_e2m1(value / widened_e8m0(exponent));
    const unsigned high = __shfl_down_sync(kAllLanes, code, 1);
    if (column < shape.index_dim && lane_id() % 2 == 0)
      row[column / 2] = std::byte(static_cast<unsigned char>(code | high << 4));
    if (lane_id() == 0) row[shape.index_dim / 2 + first / kWarp] = std::byte(static_cast<unsigned char>(exponent));
  }
}

__global__ void round_index(RoundIndexKernel args) {
  begin_in_turn();
  const std::int64_t row = global_thread() / kWarp;
  if (row >= args.rows) return;
  const int dim = static_cast<int>(args.index_dim);
  float* values = args.x + row * dim;
  for (int first = 0; first < dim; first += kWarp) {
    const int column = first + lane_id();
    const float value = column < dim ? values[column] : 0.0F;
    const float scale = widened_e8m0(index_exponent(fabsf(value)));
    if (column < dim) values[column] = widened_e2m1(float_to_e2m1(value / scale)) * scale;
  }
}

__global__ void encode_entries(EncodeEntriesKernel args, EntryShape shape) {
  begin_in_turn();
  const std::int64_t row = global_thread() / kWarp;
  if (row >= args.count) return;
  encode_entry_row(shape, args.x + row * shape.head_dim, args.rows + row * shape.row_bytes);
}

// Where the step's entry `row` lies.
__device__ std::byte* place_of_new(const PlacedRuns& runs, std::int64_t row, std::int64_t ratio,
                                   std::int64_t row_bytes) {
  const PlacedRun& run = runs[runs.run_of_entry(row)];
  return run.paged_row(run.start / ratio + row - run.first_new, row_bytes);
}

__global__ void store_entries(const __grid_constant__ StoreEntriesKernel args, EntryShape shape) {
  begin_in_turn();
  const std::int64_t row = global_thread() / kWarp;
  if (row >= args.count) return;
  encode_entry_row(shape, args.x + row * shape.head_dim, place_of_new(args.runs, row, args.ratio, shape.row_bytes));
}

__global__ void store_index_keys(const __grid_constant__ StoreIndexKeysKernel args, IndexKeyShape shape) {
  begin_in_turn();
  const std::int64_t row = global_thread() / kWarp;
  if (row >= args.count) return;
  encode_index_row(shape, args.x + row * shape.index_dim, place_of_new(args.runs, row, args.ratio, shape.row_bytes));
}

template <class T>
__device__ void copy_row(const std::byte* from, std::byte* to, std::int64_t bytes) {
  for (std::int64_t index = threadIdx.x; index < bytes / static_cast<std::int64_t>(sizeof(T)); index += blockDim.x)
    reinterpret_cast<T*>(to)[index] = reinterpret_cast<const T*>(from)[index];
}

// A block a row of the step. Of positions that share a slot the last one stays.
__global__ void commit_rows(const __grid_constant__ CommitRowsKernel args) {
  begin_in_turn();
  const std::int64_t row = blockIdx.x;
  const PlacedRun& run = args.runs[args.runs.run_of_row(row)];
  const std::int64_t token = row - run.first_row;
  if (token < run.tokens - run.capacity) return;
  const std::byte* from = args.rows + row * args.row_bytes;
  std::byte* to = run.ring + (run.start + token) % run.capacity * args.row_bytes;
  const auto bits = reinterpret_cast<std::uintptr_t>(from) | reinterpret_cast<std::uintptr_t>(to) |
                    static_cast<std::uintptr_t>(args.row_bytes);
  if (bits % 16 == 0) {
    copy_row<uint4>(from, to, args.row_bytes);
  } else if (bits % 4 == 0) {
    copy_row<unsigned>(from, to, args.row_bytes);
  } else {
    copy_row<unsigned char>(from, to, args.row_bytes);
  }
}

}  // namespace

void launch_round_index(const RoundIndexKernel& args, Stream stream) {
  if (args.rows > 0)
    launch(stream, "round_index",
           {.blocks = {blocks_for(args.rows * kWarp, kThreads)}, .threads = kThreads, .chained = stream.chained},
           round_index, args);
}

void launch_encode_entries(const EncodeEntriesKernel& args, Stream stream) {
  if (args.count == 0) return;
  launch(stream, "encode_entries",
         {.blocks = {blocks_for(args.count * kWarp, kThreads)}, .threads = kThreads, .chained = stream.chained},
         encode_entries, args, entry_shape(args.format));
}

void launch_store_entries(const StoreEntriesKernel& args, Stream stream) {
  if (args.count == 0) return;
  launch(stream, "store_entries",
         {.blocks = {blocks_for(args.count * kWarp, kThreads)}, .threads = kThreads, .chained = stream.chained},
         store_entries, args, entry_shape(args.format));
}

void launch_store_index_keys(const StoreIndexKeysKernel& args, Stream stream) {
  if (args.count == 0) return;
  launch(stream, "store_index_keys",
         {.blocks = {blocks_for(args.count * kWarp, kThreads)}, .threads = kThreads, .chained = stream.chained},
         store_index_keys, args, index_key_shape(args.format));
}

void launch_commit_rows(const CommitRowsKernel& args, Stream stream) {
  if (args.tokens > 0)
    launch(stream, "commit_rows",
           {.blocks = {blocks_for(args.tokens, 1)}, .threads = kThreads, .chained = stream.chained}, commit_rows, args);
}

}  // namespace fathom::cuda
