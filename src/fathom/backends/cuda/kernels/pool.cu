#include "fathom/backends/cuda/kernels/pool.h"

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 128;

// One column of a block's rows in order: the block before with its own columns (overlap), then the block itself.
class BlockColumn {
 public:
  __device__ BlockColumn(const GatedPoolKernel& args, std::int64_t entry, std::int64_t column)
      : args_(args), run_(args.runs[args.runs.run_of_entry(entry)]), column_(column) {
    const std::int64_t block = run_.start / args.ratio + entry - run_.first_new;
    current_ = block * args.ratio;
    const bool before = args.columns != args.dim && block > 0;
    first_ = current_ - (before ? args.ratio : 0);
  }

  __device__ std::int64_t rows() const { return current_ + args_.ratio - first_; }
  __device__ float kv(std::int64_t row) const { return value(args_.kv, run_.ring, row); }
  // The gate with ape.
  __device__ float gate(std::int64_t row) const {
    const std::int64_t ape = (first_ + row) % args_.ratio * args_.columns + column_of(row);
    return value(args_.gate, run_.ring_2, row) + args_.ape[ape];
  }

 private:
  __device__ std::int64_t column_of(std::int64_t row) const {
    return args_.columns != args_.dim && first_ + row >= current_ ? args_.dim + column_ : column_;
  }
  __device__ float value(const float* fresh, const std::byte* ring, std::int64_t row) const {
    const std::int64_t position = first_ + row;
    if (position >= run_.start) return fresh[(run_.first_row + position - run_.start) * args_.columns + column_of(row)];
    return reinterpret_cast<const float*>(ring)[position % run_.capacity * args_.columns + column_of(row)];
  }

  const GatedPoolKernel& args_;
  const PlacedRun& run_;
  std::int64_t column_;
  std::int64_t first_;    // position of the first row
  std::int64_t current_;  // position of the block's own first row
};

__global__ void gated_pool(const __grid_constant__ GatedPoolKernel args) {
  begin_in_turn();
  const std::int64_t place = global_thread();
  if (place >= args.entries * args.dim) return;
  const BlockColumn block(args, place / args.dim, place % args.dim);
  const std::int64_t rows = block.rows();
  float largest = -__uint_as_float(0x7f800000U);
  for (std::int64_t row = 0; row < rows; ++row) largest = fmaxf(largest, block.gate(row));
  float weight_sum = 0.0F;
  for (std::int64_t row = 0; row < rows; ++row) weight_sum += released_exp(block.gate(row) - largest);
  args.out[place] = cascade_sum(
      rows, [&](std::int64_t row) { return block.kv(row) * (released_exp(block.gate(row) - largest) / weight_sum); });
}

}  // namespace

void launch_gated_pool(const GatedPoolKernel& args, Stream stream) {
  if (args.entries * args.dim == 0) return;
  launch(stream, "gated_pool",
         {.blocks = {blocks_for(args.entries * args.dim, kThreads)}, .threads = kThreads, .chained = stream.chained},
         gated_pool, args);
}

}  // namespace fathom::cuda
