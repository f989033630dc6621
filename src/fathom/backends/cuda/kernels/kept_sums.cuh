// The sums of a unit's 128 outputs over each block of inputs. The blocks of a cluster that keep them, each those of its
// share of the outputs, add them in the order of the inputs when all are there.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/cluster.cuh"
#include "fathom/backends/cuda/kernels/pack_block.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/product_unit.cuh"
#include "fathom/backends/cuda/kernels/shared_address.cuh"

namespace fathom::cuda {

// Where a thread's sums over a block of inputs go. A warp's 16 outputs belong to one keeper.
struct KeptPlace {
  std::uint32_t at = 0;    // of the thread's first column
  std::uint32_t step = 0;  // to the next block of inputs
  std::uint32_t barrier = 0;

  __device__ void advance() { at += step; }
};

template <Operand kOperand, int kColumns, int kThreads>
class KeptSums {
 public:
  static constexpr int kChunkRows = kColumns / columns_of_row(kOperand);

  // A thread's result: where its sums lie, of each block of inputs, and where it goes.
  struct Share {
    const float* sums;
    int row;
    int output;
    bool exists;
  };

  // `blocks` of inputs; `memory` of this block; `barrier` beside it, where all sums arrive.
  __device__ KeptSums(const DecodeShape& shape, int blocks, float* memory, std::uint32_t barrier)
      : shape_(shape), blocks_(blocks), memory_(memory), barrier_(barrier) {}

  // By one thread, before the blocks of the cluster meet. Blocks that keep none await none.
  __device__ void expect(int rank) const {
    barrier_init(barrier_, 1);
    if (rank < shape_.keepers) expect_bytes(barrier_, 4 * blocks_ * columns() * (128 / shape_.keepers), 0);
  }
  __device__ void await_all() const { barrier_wait_of_cluster(barrier_, 0); }

  // Of a cluster, from a block of inputs on.
  __device__ KeptPlace place(int block) const {
    if (shape_.cluster == 1) return {};
    const int outputs = 128 / shape_.keepers;
    const int first_rank = cluster_rank() / shape_.cluster * shape_.cluster;  // a cluster can hold several units
    const std::uint32_t step = 4 * columns() * kept_column(shape_.keepers);
    const std::uint32_t at = 4 * (unit_row() % outputs) + block * step + column_at(first_column());
    const int rank = first_rank + unit_row() / outputs % shape_.keepers;
    return {.at = address_in(shared_address(memory_) + at, rank), .step = step, .barrier = address_in(barrier_, rank)};
  }

  // The thread's sums lie as product_step leaves them.
  __device__ void store(const KeptPlace& place, int index, float sum) const {
    const int further = index / 4 * 8 + index % 2;  // columns
    if (first_column() % kChunkRows + further % kChunkRows >= shape_.kept_rows) return;
    send_there(place.at + column_at(further) + 32 * (index / 2 % 2), sum, place.barrier);
  }

  __device__ Share share(const ProductUnit& unit, int rank, int place) const {
    const int outputs = 128 / shape_.keepers;
    const int row = place / outputs;
    const int output = rank * outputs + place % outputs;
    return {.sums = memory_ + row * kept_column(shape_.keepers) + place % outputs,
            .row = row,
            .output = output,
            .exists = row < min(shape_.kept_rows, unit.rows) && unit.holds(output)};
  }

  // `first`: the thread's own share, which is known before the sums are there.
  __device__ void add(const ProductUnit& unit, int rank, const Share& first) const {
    const int places = 128 / shape_.keepers * min(shape_.kept_rows, unit.rows);
    Share own = first;
    for (int place = threadIdx.x; place < places; place += kThreads) {
      if (place >= kThreads) own = share(unit, rank, place);
      if (!own.exists) continue;
      const int step = columns() * kept_column(shape_.keepers);
      const int second = shape_.kept_rows * kept_column(shape_.keepers);
      float totals[2] = {0.0F, 0.0F};
#pragma unroll 16
      for (int block = 0; block < blocks_; ++block)
#pragma unroll
        for (int part = 0; part < columns_of_row(kOperand); ++part)
          totals[part] += own.sums[block * step + part * second];
      unit.put(own.row, own.output, columns_of_row(kOperand) == 1 ? totals[0] : totals[0] + totals[1]);
    }
  }

  // Of a lone keeper: the 128 outputs as a block of the next product's rows. A warp a row, four outputs a lane.
  __device__ void pack(const ProductUnit& unit, std::uint8_t* to) const {
    const int row = static_cast<int>(threadIdx.x) / 32;
    if (row >= min(shape_.kept_rows, unit.rows)) return;
    constexpr int kQuads = kept_column(1) / 4;
    const float4* sums = reinterpret_cast<const float4*>(memory_) + row * kQuads + threadIdx.x % 32;
    float4 totals[columns_of_row(kOperand)] = {};
#pragma unroll 8
    for (int block = 0; block < blocks_; ++block)
#pragma unroll
      for (int part = 0; part < columns_of_row(kOperand); ++part)
        add_four(totals[part], sums[(block * columns() + part * shape_.kept_rows) * kQuads]);
    if constexpr (columns_of_row(kOperand) == 2) add_four(totals[0], totals[1]);
    auto* scales = reinterpret_cast<float*>(to + kColumns * kBlockInputs * operand_bytes(kOperand));
    pack_block<kOperand>({to, scales, row}, kChunkRows, totals[0]);
  }

  // The first of a thread's two outputs, among the unit's 128.
  __device__ static int unit_row() { return threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4; }

 private:
  __device__ static int first_column() { return static_cast<int>(threadIdx.x) % 4 * 2; }

  __device__ static void add_four(float4& to, const float4& more) {
    to.x += more.x;
    to.y += more.y;
    to.z += more.z;
    to.w += more.w;
  }

  __device__ int columns() const { return shape_.kept_rows * columns_of_row(kOperand); }

  // Columns of a row's second operand stand behind those of all its first ones.
  __device__ std::uint32_t column_at(int column) const {
    return 4 * (column / kChunkRows * shape_.kept_rows + column % kChunkRows) * kept_column(shape_.keepers);
  }

  const DecodeShape shape_;
  const int blocks_;
  float* const memory_;
  const std::uint32_t barrier_;
};

}  // namespace fathom::cuda
