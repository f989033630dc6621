// A column of the rows that an entry is pooled from.
#pragma once

#include "fathom/backends/cuda/kernels/pool.h"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {

constexpr int kFewPooledRows = 8;  // that a thread holds at once

// One column of a block's rows in order: the block before with its own columns (overlap), then the block itself. A ring
// holds them all, so that it comes round once at most.
class BlockColumn {
 public:
  __device__ BlockColumn(const GatedPoolKernel& args, std::int64_t entry, std::int64_t column)
      : BlockColumn(args, args.runs[args.runs.run_of_entry(entry)], entry, column) {}
  // Of a run that completes it.
  __device__ BlockColumn(const GatedPoolKernel& args, const PlacedRun& run, std::int64_t entry, std::int64_t column)
      : args_(args), run_(run), column_(column) {
    const std::int64_t block = run_.start / args.ratio + entry - run_.first_new;
    const std::int64_t before = args.columns != args.dim && block > 0 ? args.ratio : 0;
    first_ = block * args.ratio - before;
    before_ = static_cast<int>(before);
    slot_ = first_ % run_.capacity;
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
  // One load, wherever the row lies: those of several rows are on their way together.
  __device__ float value(const float* fresh, const std::byte* ring, int row) const {
    const std::int64_t behind = first_ + row - run_.start;  // of the step, from 0 on
    const std::int64_t slot = slot_ + row < run_.capacity ? slot_ + row : slot_ + row - run_.capacity;
    const float* rows = behind >= 0 ? fresh + run_.first_row * args_.columns : reinterpret_cast<const float*>(ring);
    return rows[(behind >= 0 ? behind : slot) * args_.columns + column_of(row)];
  }

  const GatedPoolKernel& args_;
  const PlacedRun& run_;
  std::int64_t column_;
  std::int64_t first_;  // position of the first row
  std::int64_t slot_;   // of that position
  int before_;          // rows of the block before
};

__device__ inline float least() { return -__uint_as_float(0x7f800000U); }

// Of up to eight rows, which a thread reads at once.
__device__ inline float pooled_few(const BlockColumn& block) {
  const int rows = block.rows();
  float weights[kFewPooledRows];
  float values[kFewPooledRows];
#pragma unroll
  for (int row = 0; row < kFewPooledRows; ++row) {  // no branch stands between the loads
    weights[row] = block.gate(min(row, rows - 1));
    values[row] = block.kv(min(row, rows - 1));
  }
  float largest = least();
#pragma unroll
  for (int row = 0; row < kFewPooledRows; ++row)
    if (row < rows) largest = fmaxf(largest, weights[row]);
  float weight_sum = 0.0F;
#pragma unroll
  for (int row = 0; row < kFewPooledRows; ++row) {
    if (row >= rows) break;
    weights[row] = released_exp(weights[row] - largest);
    weight_sum += weights[row];
  }
  float sum = 0.0F;
#pragma unroll
  for (int row = 0; row < kFewPooledRows; ++row) {
    if (row >= rows) break;
    sum += values[row] * (weights[row] / weight_sum);
  }
  return Cascade().sum_with(sum);
}

}  // namespace fathom::cuda
