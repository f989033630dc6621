#include "fathom/backends/cuda/kernels/cache_rows.h"

#include "fathom/backends/cuda/kernels/commit_row.cuh"
#include "fathom/backends/cuda/kernels/encode_rows.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void round_index(RoundIndexKernel args) {
  begin_in_turn();
  const std::int64_t row = global_thread() / kWarp;
  if (row >= args.rows) return;
  round_index_row(args.x + row * args.index_dim, static_cast<int>(args.index_dim));
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

// A block a row of the step.
__global__ void commit_rows(const __grid_constant__ CommitRowsKernel args) {
  let_later_kernels_begin();
  const bool second = blockIdx.y == 1;
  commit_row(args.runs, second ? args.rows_2 : args.rows, args.row_bytes, blockIdx.x, second);
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
           {.blocks = {blocks_for(args.tokens, 1), args.rows_2 != nullptr ? 2U : 1U},
            .threads = kThreads,
            .chained = stream.chained},
           commit_rows, args);
}

}  // namespace fathom::cuda
