// Products of many rows: as fast as the tensor cores go. A thread block stays on its multiprocessor and takes one unit
// of 128 outputs by up to 256 columns after another; each of two warpgroups widens its row tile once and multiplies it
// with the columns 64 at a time, adding one 64's sums while the tensor core is at the next.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/product_sums.cuh"
#include "fathom/backends/cuda/kernels/product_unit.cuh"
#include "fathom/backends/cuda/kernels/warpgroup_registers.cuh"

namespace fathom::cuda {

inline constexpr int kPrefillConsumers = 256;
inline constexpr int kPrefillThreads = kPrefillConsumers + kWarpgroupThreads;

template <TileKind kKind, Operand kOperand, int kChunks>
class PrefillProduct {
 public:
  static constexpr int kTile = tile_bytes(kKind);
  static constexpr int kBlock = block_bytes(kOperand, kPrefillColumns);
  static constexpr int kScalesAt = kPrefillColumns * kBlockInputs * operand_bytes(kOperand);
  static constexpr int kChunkRows = kPrefillColumns / columns_of_row(kOperand);

  __device__ PrefillProduct(const ProductWork& work, int stages, int units, std::uint8_t* memory)
      : work_(work), stages_(stages), units_(units), memory_(memory) {
    stage_bytes_ = prefill_stage_bytes(kKind, kOperand, work.group_chunks);
    full_ = shared_address(memory + stages * stage_bytes_);
    empty_ = full_ + 8 * stages;
  }

  __device__ void run() {
    let_later_kernels_begin();
    wait_for_earlier_kernels();
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < stages_; ++stage) {
        barrier_init(full_ + 8 * stage, copy_arrivals());
        barrier_init(empty_ + 8 * stage, kPrefillConsumers / 32);
      }
      fence_barriers();
    }
    tables_ = fill_magnitude_tables<kKind, kOperand>();
    __syncthreads();
    if (threadIdx.x >= kPrefillConsumers) {
      give_registers<24>();
      if (threadIdx.x < kPrefillConsumers + 32) copy();
    } else {
      take_registers<240>();
      compute();
    }
  }

 private:
  __device__ ProductUnit unit_at(int unit) const { return product_unit(work_, {kTile, kBlock, kChunkRows}, unit); }
  __device__ static int chunks_of(const ProductUnit& unit) { return (unit.rows + kChunkRows - 1) / kChunkRows; }

  __device__ void copy() const {
    const int lane = threadIdx.x % 32;
    const std::uint32_t memory = shared_address(memory_);
    const int x_blocks = work_.weight_blocks / work_.parts;
    Stage stage;
    for (int index = blockIdx.x; index < units_; index += gridDim.x) {
      const ProductUnit unit = unit_at(index);
      if (!unit.exists) return;
      const int chunks = chunks_of(unit);
      for (int block = 0; block < work_.weight_blocks; ++block) {
        barrier_wait(empty_ + 8 * stage.index, stage.parity ^ 1);
        const std::uint32_t full = full_ + 8 * stage.index;
        const std::uint32_t to = memory + stage.index * stage_bytes_;
        expect_bytes(full, 2 * kTile + chunks * kBlock, lane);
        copy_bytes(to, unit.tiles[0] + std::int64_t{block} * kTile, kTile, full, lane);
        copy_bytes(to + kTile, unit.tiles[1] + std::int64_t{block} * kTile, kTile, full, lane);
        for (int chunk = 0; chunk < chunks; ++chunk)
          copy_bytes(to + 2 * kTile + chunk * kBlock,
                     unit.x + (std::int64_t{chunk} * x_blocks + block / work_.parts) * kBlock, kBlock, full, lane);
        copies_issued(full);
        stage.advance(stages_);
      }
    }
  }

  __device__ void compute() {
    Stage stage;
    for (int index = blockIdx.x; index < units_; index += gridDim.x) {
      const ProductUnit unit = unit_at(index);
      if (!unit.exists) return;
      switch (chunks_of(unit)) {  // each count by itself: no branch stands between the products in flight
        case 1: compute_unit<1>(unit, stage); break;
        case 2:
          if constexpr (kChunks >= 2) compute_unit<2>(unit, stage);
          break;
        case 3:
          if constexpr (kChunks >= 3) compute_unit<3>(unit, stage);
          break;
        default:
          if constexpr (kChunks >= 4) compute_unit<4>(unit, stage);
      }
    }
  }

  template <int kCount>
  __device__ void compute_unit(const ProductUnit& unit, Stage& stage) {
    const int warpgroup = threadIdx.x / kWarpgroupThreads;
    const int thread = threadIdx.x % kWarpgroupThreads;
    float totals[kCount][kPrefillColumns / 2];
#pragma unroll
    for (int chunk = 0; chunk < kCount; ++chunk)
#pragma unroll
      for (int index = 0; index < kPrefillColumns / 2; ++index) totals[chunk][index] = 0.0F;
    for (int block = 0; block < work_.weight_blocks; ++block) {
      barrier_wait(full_ + 8 * stage.index, stage.parity);
      const std::uint8_t* at = memory_ + stage.index * stage_bytes_;
      WeightOperand<kKind, kOperand> weight;
      weight.load(at + warpgroup * kTile, thread, tables_);
      multiply_chunks<kCount>(weight, at + 2 * kTile, totals);
      __syncwarp();
      if (threadIdx.x % 32 == 0) barrier_arrive(empty_ + 8 * stage.index);
      stage.advance(stages_);
    }
    const int output = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4;
#pragma unroll
    for (int chunk = 0; chunk < kCount; ++chunk)
      use_rows<kOperand, kPrefillColumns>(totals[chunk], [&](int row, int half, float value) {
        if (chunk * kChunkRows + row < unit.rows && unit.holds(output + 8 * half))
          unit.put(chunk * kChunkRows + row, output + 8 * half, value);
      });
  }

  template <int kCount>
  __device__ static void multiply_chunks(const WeightOperand<kKind, kOperand>& weight, const std::uint8_t* x,
                                         float (&totals)[kCount][kPrefillColumns / 2]) {
    constexpr int N = kPrefillColumns;
    float sums[2][N / 2];
    const auto add = [&](int chunk) {
      const auto* scales = reinterpret_cast<const float*>(x + chunk * kBlock + kScalesAt);
      use_block<kKind, kOperand, N>(sums[chunk % 2], weight, scales, [&](int index, float sum, float scale) {
        totals[chunk][index] = fmaf(sum, scale, totals[chunk][index]);
      });
    };
#pragma unroll
    for (int chunk = 0; chunk < kCount; ++chunk) {
      start_block<kKind, kOperand, N>(sums[chunk % 2], weight, shared_address(x + chunk * kBlock));
      if (chunk == 0) continue;
      wait_products<1>();
      add(chunk - 1);
    }
    wait_products<0>();
    weight.hold();
    add(kCount - 1);
  }

  const ProductWork& work_;
  const int stages_;
  const int units_;
  std::uint8_t* const memory_;
  int stage_bytes_;
  std::uint32_t full_;
  std::uint32_t empty_;
  const std::uint8_t* tables_ = nullptr;
};

template <TileKind kKind, Operand kOperand, int kChunks>
__global__ void __launch_bounds__(kPrefillThreads, 1)
    prefill_product(const __grid_constant__ ProductWork work, int stages, int units) {
  extern __shared__ __align__(128) std::uint8_t memory[];
  PrefillProduct<kKind, kOperand, kChunks>(work, stages, units, memory).run();
}

}  // namespace fathom::cuda
