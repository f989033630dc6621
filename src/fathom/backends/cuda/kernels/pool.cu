#include "fathom/backends/cuda/kernels/pool.h"

#include "fathom/backends/cuda/kernels/entry_completion.h"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pool_column.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kMostGroups = 8;  // of sixteen rows

__global__ void gated_pool(const __grid_constant__ GatedPoolKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place >= args.entries * args.dim) return;
  const BlockColumn block(args, place / args.dim, place % args.dim);
  const int rows = block.rows();
  float largest = least();
  for (int row = 0; row < rows; ++row) largest = fmaxf(largest, block.gate(row));
  float weight_sum = 0.0F;
  for (int row = 0; row < rows; ++row) weight_sum += released_exp(block.gate(row) - largest);
  args.out[place] = cascade_sum(rows, [&](std::int64_t row) {
    return block.kv(static_cast<int>(row)) * (released_exp(block.gate(static_cast<int>(row)) - largest) / weight_sum);
  });
}

// The same for up to eight rows, which a thread reads at once.
__global__ void __launch_bounds__(kThreads)
    gated_pool_of_few(const __grid_constant__ GatedPoolKernel args, std::uint32_t dim) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place >= args.entries * args.dim) return;
  const BlockColumn block(args, static_cast<std::uint32_t>(place) / dim, static_cast<std::uint32_t>(place) % dim);
  args.out[place] = pooled_few(block);
}

// The same for groups of sixteen rows without overlap: a block has 32 columns of an entry, a warp a group of the
// cascade; the weights' chain goes over all of them in shared memory.
__global__ void __launch_bounds__(kMostGroups* kWarp)
    gated_pool_of_groups(const __grid_constant__ GatedPoolKernel args, std::uint32_t blocks_of_entry) {
  begin_in_turn();
  __shared__ float weights[kMostGroups * kSumStep][kWarp];
  __shared__ float parts[kMostGroups][kWarp];
  const std::int64_t entry = blockIdx.x / blocks_of_entry;
  const std::int64_t column = std::int64_t{blockIdx.x % blocks_of_entry} * kWarp + lane_id();
  const BlockColumn block(args, entry, column);
  const int groups = static_cast<int>(blockDim.x) / kWarp;
  const int first = warp_id() * kSumStep;
  float own[kSumStep];
  float values[kSumStep];
#pragma unroll
  for (int row = 0; row < kSumStep; ++row) {
    own[row] = block.gate(first + row);
    values[row] = block.kv(first + row);
  }
  float largest = least();
#pragma unroll
  for (const float gate : own) largest = fmaxf(largest, gate);
  parts[warp_id()][lane_id()] = largest;
  __syncthreads();
  for (int group = 0; group < groups; ++group) largest = fmaxf(largest, parts[group][lane_id()]);
#pragma unroll
  for (int row = 0; row < kSumStep; ++row) {
    own[row] = released_exp(own[row] - largest);
    weights[first + row][lane_id()] = own[row];
  }
  __syncthreads();
  float weight_sum = 0.0F;
  for (int row = 0; row < groups * kSumStep; row += kSumStep)
#pragma unroll
    for (int next = 0; next < kSumStep; ++next) weight_sum += weights[row + next][lane_id()];
  parts[warp_id()][lane_id()] =
      sum_of_rows(0, kSumStep, [&](std::int64_t row) { return values[row] * (own[row] / weight_sum); });
  __syncthreads();
  if (warp_id() != 0) return;
  Cascade cascade;
  for (int group = 0; group < groups; ++group) cascade.take(parts[group][lane_id()]);
  args.out[entry * args.dim + column] = cascade.sum_with(0.0F);
}

}  // namespace

bool pools_few(std::int64_t ratio, bool overlap) { return (overlap ? 2 : 1) * ratio <= kFewPooledRows; }

void launch_gated_pool(const GatedPoolKernel& args, Stream stream) {
  if (args.entries * args.dim == 0) return;
  const bool overlaps = args.columns != args.dim;
  if (!overlaps && args.ratio % kSumStep == 0 && args.ratio <= kMostGroups * kSumStep && args.dim % kWarp == 0) {
    const auto blocks = static_cast<unsigned>(args.dim / kWarp);
    launch(stream, "gated_pool_of_groups",
           {.blocks = {static_cast<unsigned>(args.entries) * blocks},
            .threads = static_cast<unsigned>(args.ratio / kSumStep * kWarp),
            .chained = stream.chained},
           gated_pool_of_groups, args, blocks);
    return;
  }
  const LaunchShape shape = {
      .blocks = {blocks_for(args.entries * args.dim, kThreads)}, .threads = kThreads, .chained = stream.chained};
  if (pools_few(args.ratio, overlaps) && args.entries * args.dim < std::int64_t{1} << 32)
    return launch(stream, "gated_pool_of_few", shape, gated_pool_of_few, args, static_cast<std::uint32_t>(args.dim));
  launch(stream, "gated_pool", shape, gated_pool, args);
}

}  // namespace fathom::cuda
