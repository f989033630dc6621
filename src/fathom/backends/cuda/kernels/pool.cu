#include "fathom/backends/cuda/kernels/pool.h"

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kFewRows = 8;     // that a thread holds at once
constexpr int kMostGroups = 8;  // of sixteen rows

// One column of a block's rows in order: the block before with its own columns (overlap), then the block itself.
class BlockColumn {
 public:
  __device__ BlockColumn(const GatedPoolKernel& args, std::int64_t entry, std::int64_t column)
      : args_(args), run_(args.runs[args.runs.run_of_entry(entry)]), column_(column) {
    const std::int64_t block = run_.start / args.ratio + entry - run_.first_new;
    const std::int64_t before = args.columns != args.dim && block > 0 ? args.ratio : 0;
    first_ = block * args.ratio - before;
    before_ = static_cast<int>(before);
  }

  __device__ int rows() const { return before_ + static_cast<int>(args_.ratio); }
  __device__ float kv(int row) const { return value(args_.kv, run_.ring, row); }
  // The gate with ape.
  __device__ float gate(int row) const {
    const int own = row < before_ ? row : row - before_;
    return value(args_.gate, run_.ring_2, row) + args_.ape[own * args_.columns + column_of(row)];
  }

 private:
  __device__ std::int64_t column_of(int row) const {
    return args_.columns != args_.dim && row >= before_ ? args_.dim + column_ : column_;
  }
  __device__ float value(const float* fresh, const std::byte* ring, int row) const {
    const std::int64_t position = first_ + row;
    if (position >= run_.start) return fresh[(run_.first_row + position - run_.start) * args_.columns + column_of(row)];
    return reinterpret_cast<const float*>(ring)[position % run_.capacity * args_.columns + column_of(row)];
  }

  const GatedPoolKernel& args_;
  const PlacedRun& run_;
  std::int64_t column_;
  std::int64_t first_;  // position of the first row
  int before_;          // rows of the block before
};

__device__ float least() { return -__uint_as_float(0x7f800000U); }

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
  const int rows = block.rows();
  float weights[kFewRows];
  float values[kFewRows];
  float largest = least();
#pragma unroll
  for (int row = 0; row < kFewRows; ++row) {
    if (row >= rows) break;
    weights[row] = block.gate(row);
    values[row] = block.kv(row);
    largest = fmaxf(largest, weights[row]);
  }
  float weight_sum = 0.0F;
#pragma unroll
  for (int row = 0; row < kFewRows; ++row) {
    if (row >= rows) break;
    weights[row] = released_exp(weights[row] - largest);
    weight_sum += weights[row];
  }
  float sum = 0.0F;
#pragma unroll
  for (int row = 0; row < kFewRows; ++row) {
    if (row >= rows) break;
    sum += values[row] * (weights[row] / weight_sum);
  }
  args.out[place] = Cascade().sum_with(sum);
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
  if ((overlaps ? 2 : 1) * args.ratio <= kFewRows && args.entries * args.dim < std::int64_t{1} << 32)
    return launch(stream, "gated_pool_of_few", shape, gated_pool_of_few, args, static_cast<std::uint32_t>(args.dim));
  launch(stream, "gated_pool", shape, gated_pool, args);
}

}  // namespace fathom::cuda
