// Products of many rows: as fast as the tensor cores go. A thread block stays on its multiprocessor and takes one unit
// of 128 outputs by up to 256 columns after another, whose blocks of inputs one warp copies into shared memory for two
// warpgroups. What becomes of a unit's sums is prefill_rows.cuh's.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/prefill_blocks.cuh"
#include "fathom/backends/cuda/kernels/prefill_rows.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/product_unit.cuh"
#include "fathom/backends/cuda/kernels/warpgroup_registers.cuh"

namespace fathom::cuda {

inline constexpr int kPrefillThreads = kPrefillConsumers + kWarpgroupThreads;

struct PrefillLaunch {
  int stages;
  int units;
  int places;  // groups of columns that meet the same weights before the next weights come: both stay in the cache
};

template <TileKind kKind, Operand kOperand, int kChunks>
class PrefillProduct {
  using Layout = PrefillLayout<kKind, kOperand>;
  using Blocks = PrefillBlocks<kKind, kOperand>;
  static constexpr int kTile = Layout::kTile;
  static constexpr int kBlock = Layout::kBlock;
  static constexpr int kChunkRows = Layout::kChunkRows;
  static constexpr int kSums = Layout::kSums;

 public:
  __device__ PrefillProduct(const ProductWork& work, const PrefillLaunch& launch, std::uint8_t* memory)
      : work_(work), units_(launch.units), places_(launch.places) {
    const int bytes = prefill_stage_bytes(kKind, kOperand, work.group_chunks);
    const std::uint32_t full = shared_address(memory + launch.stages * bytes);
    stages_ = {
        .memory = memory, .count = launch.stages, .bytes = bytes, .full = full, .empty = full + 8 * launch.stages};
  }

  __device__ void run() {
    let_later_kernels_begin();
    wait_for_earlier_kernels();
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < stages_.count; ++stage) {
        barrier_init(stages_.full + 8 * stage, copy_arrivals());
        barrier_init(stages_.empty + 8 * stage, kPrefillConsumers / 32);
      }
      fence_barriers();
    }
    const std::uint8_t* tables = fill_magnitude_tables<kKind, kOperand>();
    __syncthreads();
    if (threadIdx.x >= kPrefillConsumers) {
      give_registers<24>();
      if (threadIdx.x < kPrefillConsumers + 32) copy();
    } else {
      take_registers<240>();
      compute(Blocks(stages_, work_, tables));
    }
  }

 private:
  __device__ ProductUnit unit_at(int index) const {
    const int of_group = places_ * work_.pairs;
    const int first = index / of_group * places_;
    const int places = min(places_, units_ / work_.pairs - first);
    const int within = index % of_group;
    const int place = first + within % places;
    ProductUnit unit =
        product_unit<!kKnowsEven>(work_, {kTile, kBlock, kChunkRows}, place * work_.pairs + within / places);
    if constexpr (kKnowsEven)
      unit.even =
          unit.exists && (unit.tiles[0][codes_bytes(kKind)] & unit.tiles[1][codes_bytes(kKind)] & kEvenTile) != 0;
    return unit;
  }
  // Uneven tiles are rare: the copying warp hands their units out chunk by chunk, so that no code with more chunks
  // needs registers beside that of even ones.
  static constexpr bool kKnowsEven = kKind == TileKind::fp4 && kOperand == Operand::e4m3;
  __device__ static int parts_of(const ProductUnit& unit) { return kKnowsEven && !unit.even ? chunks_of(unit) : 1; }
  __device__ static ProductUnit part_of(ProductUnit unit, int part) {
    unit.x += part * kBlock;
    unit.out += part * kChunkRows * unit.row_stride;
    unit.rows = min(kChunkRows, unit.rows - part * kChunkRows);
    return unit;
  }
  __device__ static int chunks_of(const ProductUnit& unit) { return (unit.rows + kChunkRows - 1) / kChunkRows; }

  __device__ void copy() const {
    const int lane = threadIdx.x % 32;
    const std::uint32_t memory = shared_address(stages_.memory);
    Stage stage;
    int turn = 0;
    for (int index = blockIdx.x; index < units_; index += gridDim.x) {
      const ProductUnit whole = unit_at(index);
      if (!whole.exists) break;
      const int parts = kHasCopyEngine ? parts_of(whole) : 1;
      for (int part = 0; part < parts; ++part) {
        const ProductUnit unit = parts > 1 ? part_of(whole, part) : whole;
        leave_unit(unit, turn++, stage, lane);
        copy_unit(unit, stage, memory, lane);
      }
    }
    leave_unit({}, turn, stage, lane);
    if constexpr (kHasCopyEngine) expect_bytes(stages_.full + 8 * stage.index, 0, lane);
  }

  __device__ void copy_unit(const ProductUnit& unit, Stage& stage, std::uint32_t memory, int lane) const {
    const int chunks = chunks_of(unit);
    for (int block = 0; block < work_.weight_blocks; ++block) {
      barrier_wait(stages_.empty + 8 * stage.index, stage.parity ^ 1);
      const std::uint32_t full = stages_.full + 8 * stage.index;
      const std::uint32_t to = memory + stage.index * stages_.bytes;
      expect_bytes(full, 2 * kTile + chunks * kBlock, lane);
      copy_bytes(to, unit.tiles[0] + std::int64_t{block} * kTile, kTile, full, lane);
      copy_bytes(to + kTile, unit.tiles[1] + std::int64_t{block} * kTile, kTile, full, lane);
      copy_bytes(to + 2 * kTile, unit.x + std::int64_t{block / work_.parts} * work_.x_chunks * kBlock, chunks * kBlock,
                 full, lane);
      copies_issued(full);
      stage.advance(stages_.count);
    }
  }

  // The copying warp leaves each unit where the computing ones find it when its first block of inputs has come, or
  // where they would find it behind the last. A place is used again when a unit's first stage is free, and all that are
  // more than kMostStages units before have been written by then.
  __device__ static ProductUnit* units_left() {
    static_assert(2 * kMostStages * sizeof(ProductUnit) <= 1152, "with the tables, what no stage may take");
    __shared__ __align__(16) std::uint8_t units[2 * kMostStages * sizeof(ProductUnit)];
    return reinterpret_cast<ProductUnit*>(units);
  }
  __device__ void leave_unit(const ProductUnit& unit, int turn, const Stage& stage, int lane) const {
    if constexpr (!kHasCopyEngine) return;
    barrier_wait(stages_.empty + 8 * stage.index, stage.parity ^ 1);
    if (lane == 0) units_left()[turn % (2 * kMostStages)] = unit;
  }

  __device__ void compute(const Blocks& blocks) const {
    Stage stage;
    for (int turn = 0;; ++turn) {
      const int index = static_cast<int>(blockIdx.x + turn * gridDim.x);
      ProductUnit own;
      if constexpr (kHasCopyEngine) {
        barrier_wait(stages_.full + 8 * stage.index, stage.parity);
      } else {
        own = index < units_ ? unit_at(index) : ProductUnit{};
      }
      const ProductUnit& unit = kHasCopyEngine ? units_left()[turn % (2 * kMostStages)] : own;
      if (!unit.exists) return;
      switch (chunks_of(unit)) {  // each count by itself: no branch stands between the products in flight
        case 1: compute_unit<1>(blocks, unit, stage); break;
        case 2:
          if constexpr (kChunks >= 2) compute_unit<2>(blocks, unit, stage);
          break;
        case 3:
          if constexpr (kChunks >= 3) compute_unit<3>(blocks, unit, stage);
          break;
        default:
          if constexpr (kChunks >= 4) compute_unit<4>(blocks, unit, stage);
      }
    }
  }

  template <int kCount>
  __device__ static void compute_unit(const Blocks& blocks, const ProductUnit& unit, Stage& stage) {
    if constexpr (!kKnowsEven) {
      compute_unit<kCount, false>(blocks, unit, stage);
    } else if (unit.even || (kCount > 1 && kHasCopyEngine)) {
      compute_unit<kCount, true>(blocks, unit, stage);
    } else {
      compute_unit<kCount, false>(blocks, unit, stage);
    }
  }

  template <int kCount, bool kEven>
  __device__ static void compute_unit(const Blocks& blocks, const ProductUnit& unit, Stage& stage) {
    float totals[kCount][kSums] = {};
    blocks.template multiply<kCount, kEven>(totals, stage);
    PrefillRows<kKind, kOperand>::take(unit, totals);
  }

  const ProductWork& work_;
  const int units_;
  const int places_;
  PrefillStages stages_;
};

template <TileKind kKind, Operand kOperand, int kChunks>
__global__ void __launch_bounds__(kPrefillThreads, 1)
    prefill_product(const __grid_constant__ ProductWork work, const PrefillLaunch launch) {
  extern __shared__ __align__(128) std::uint8_t memory[];
  PrefillProduct<kKind, kOperand, kChunks>(work, launch, memory).run();
}

}  // namespace fathom::cuda
