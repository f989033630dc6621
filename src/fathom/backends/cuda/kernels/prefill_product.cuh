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

struct PrefillLaunch {
  int stages;
  int units;
  int places;  // groups of columns that meet the same weights before the next weights come: both stay in the cache
};

template <TileKind kKind, Operand kOperand, int kChunks>
class PrefillProduct {
 public:
  static constexpr int kTile = tile_bytes(kKind);
  static constexpr int kBlock = block_bytes(kOperand, kPrefillColumns);
  static constexpr int kScalesAt = kPrefillColumns * kBlockInputs * operand_bytes(kOperand);
  static constexpr int kChunkRows = kPrefillColumns / columns_of_row(kOperand);

  __device__ PrefillProduct(const ProductWork& work, const PrefillLaunch& launch, std::uint8_t* memory)
      : work_(work), stages_(launch.stages), units_(launch.units), places_(launch.places), memory_(memory) {
    stage_bytes_ = prefill_stage_bytes(kKind, kOperand, work.group_chunks);
    full_ = shared_address(memory + stages_ * stage_bytes_);
    empty_ = full_ + 8 * stages_;
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
  __device__ ProductUnit unit_at(int index) const {
    const int of_group = places_ * work_.pairs;
    const int first = index / of_group * places_;
    const int places = min(places_, units_ / work_.pairs - first);
    const int within = index % of_group;
    const int place = first + within % places;
    return product_unit(work_, {kTile, kBlock, kChunkRows}, place * work_.pairs + within / places);
  }
  __device__ static int chunks_of(const ProductUnit& unit) { return (unit.rows + kChunkRows - 1) / kChunkRows; }

  __device__ void copy() const {
    const int lane = threadIdx.x % 32;
    const std::uint32_t memory = shared_address(memory_);
    const int x_blocks = work_.weight_blocks / work_.parts;
    Stage stage;
    int turn = 0;
    for (int index = blockIdx.x; index < units_; index += gridDim.x) {
      const ProductUnit unit = unit_at(index);
      if (!unit.exists) break;
      const int chunks = chunks_of(unit);
      leave_unit(unit, turn++, stage, lane);
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
    leave_unit({}, turn, stage, lane);
    if constexpr (kHasCopyEngine) expect_bytes(full_ + 8 * stage.index, 0, lane);
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
    barrier_wait(empty_ + 8 * stage.index, stage.parity ^ 1);
    if (lane == 0) units_left()[turn % (2 * kMostStages)] = unit;
  }

  __device__ void compute() {
    Stage stage;
    for (int turn = 0;; ++turn) {
      const int index = static_cast<int>(blockIdx.x + turn * gridDim.x);
      ProductUnit own;
      if constexpr (kHasCopyEngine) {
        barrier_wait(full_ + 8 * stage.index, stage.parity);
      } else {
        own = index < units_ ? unit_at(index) : ProductUnit{};
      }
      const ProductUnit& unit = kHasCopyEngine ? units_left()[turn % (2 * kMostStages)] : own;
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

  using Weight = WeightOperand<kKind, kOperand>;
  using Scales = ColumnScales<kPrefillColumns>;
  static constexpr int kSums = kPrefillColumns / 2;
  // Of so many chunks: the first of a block must not stand where the last of the block before does.
  __device__ static constexpr int sums_at_once(int count) { return count == 3 ? 3 : 2; }
  template <int kCount>
  using Sums = float[sums_at_once(kCount)][kSums];

  // Measured: FP8 with e4m3 gains where a block's last sums wait for the next block; the others, whose weights take
  // longer to widen, lose.
  static constexpr bool kCarries = kKind == TileKind::fp8 && kOperand == Operand::e4m3;

  template <int kCount>
  __device__ void compute_unit(const ProductUnit& unit, Stage& stage) const {
    float totals[kCount][kSums];
#pragma unroll
    for (int chunk = 0; chunk < kCount; ++chunk)
#pragma unroll
      for (int index = 0; index < kSums; ++index) totals[chunk][index] = 0.0F;
    if constexpr (kCarries) {
      multiply_carrying<kCount>(totals, stage);
    } else {
      multiply_blocks<kCount>(totals, stage);
    }
    unit.adds ? write<true>(unit, totals) : write<false>(unit, totals);
  }

  template <int kCount>
  __device__ void multiply_blocks(float (&totals)[kCount][kSums], Stage& stage) const {
    for (int block = 0; block < work_.weight_blocks; ++block) {
      barrier_wait(full_ + 8 * stage.index, stage.parity);
      const std::uint8_t* at = memory_ + stage.index * stage_bytes_;
      Weight weight;
      weight.load(at + threadIdx.x / kWarpgroupThreads * kTile, threadIdx.x % kWarpgroupThreads, tables_);
      multiply_chunks<kCount>(weight, at + 2 * kTile, totals);
      release(stage);
      stage.advance(stages_);
    }
  }

  template <int kCount>
  __device__ static void multiply_chunks(const Weight& weight, const std::uint8_t* x, float (&totals)[kCount][kSums]) {
    constexpr int N = kPrefillColumns;
    float sums[2][kSums];
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

  // A block's last sums are added while the tensor core is at the next block: it waits for the weights alone. Nothing
  // is in flight where a loop begins anew, or the compiler lets every product wait for the one before.
  template <int kCount>
  __device__ void multiply_carrying(float (&totals)[kCount][kSums], Stage& stage) const {
    Sums<kCount> sums;
    Weight weight;
    Scales scales;
    multiply_block<kCount, 0, true>(weight, scales, sums, totals, stage);
    int left = work_.weight_blocks - 1;
    constexpr int kLast = (kCount - 1) % sums_at_once(kCount);
    if constexpr (kCount > 1) {
#pragma unroll 1
      for (; left > 0; --left) multiply_block<kCount, 0, false>(weight, scales, sums, totals, stage);
      add_last<kCount>(weight, scales, sums[kLast], totals, stage);
    } else {  // blocks take turns with the sums
#pragma unroll 1
      for (; left > 1; left -= 2) {
        multiply_block<kCount, 1, false>(weight, scales, sums, totals, stage);
        multiply_block<kCount, 0, false>(weight, scales, sums, totals, stage);
      }
      if (left == 1) {
        multiply_block<kCount, 1, false>(weight, scales, sums, totals, stage);
        add_last<kCount>(weight, scales, sums[1], totals, stage);
      } else {
        add_last<kCount>(weight, scales, sums[0], totals, stage);
      }
    }
  }

  // `stage` is that of the block before, whose last sums are still to be added, or the first one's. `scales` are those
  // of the sums that are added next: as they are used up, the next ones take their places, so that no sum waits for
  // shared memory.
  template <int kCount, int kFirst, bool kFirstBlock>
  __device__ void multiply_block(Weight& weight, Scales& scales, Sums<kCount>& sums, float (&totals)[kCount][kSums],
                                 Stage& stage) const {
    constexpr int kTurns = sums_at_once(kCount);
    const float rows[2] = {weight.scale[0], weight.scale[1]};
    if constexpr (!kFirstBlock) {
      release(stage);
      stage.advance(stages_);
    }
    barrier_wait(full_ + 8 * stage.index, stage.parity);
    const std::uint8_t* at = memory_ + stage.index * stage_bytes_;
    weight.load(at + threadIdx.x / kWarpgroupThreads * kTile, threadIdx.x % kWarpgroupThreads, tables_);
    const std::uint8_t* x = at + 2 * kTile;
    start_block<kKind, kOperand, kPrefillColumns>(sums[kFirst], weight, shared_address(x));
    if constexpr (kFirstBlock) {
      scales.load(scales_at(x, 0));
    } else {
      add(sums[(kFirst + kTurns - 1) % kTurns], rows, scales, scales_at(x, 0), totals[kCount - 1]);
    }
#pragma unroll
    for (int chunk = 1; chunk < kCount; ++chunk) {
      start_block<kKind, kOperand, kPrefillColumns>(sums[(kFirst + chunk) % kTurns], weight,
                                                    shared_address(x + chunk * kBlock));
      wait_products<1>();
      add(sums[(kFirst + chunk - 1) % kTurns], weight.scale, scales, scales_at(x, chunk), totals[chunk - 1]);
    }
    wait_products<0>();
    weight.hold();
  }

  __device__ static const float* scales_at(const std::uint8_t* x, int chunk) {
    return reinterpret_cast<const float*>(x + chunk * kBlock + kScalesAt);
  }

  template <int kCount>
  __device__ void add_last(const Weight& weight, Scales& scales, float (&sums)[kSums], float (&totals)[kCount][kSums],
                           Stage& stage) const {
    add(sums, weight.scale, scales, nullptr, totals[kCount - 1]);
    release(stage);
    stage.advance(stages_);
  }

  __device__ static void add(float (&sums)[kSums], const float (&rows)[2], Scales& scales, const float* next,
                             float (&totals)[kSums]) {
    hold_sums<kPrefillColumns>(sums);
#pragma unroll
    for (int index = 0; index < kPrefillColumns / 8; ++index) {
      use_columns<Weight::kRowsShareScale, kPrefillColumns>(
          sums, index, scales.of[index], rows,
          [&](int place, float sum, float scale) { totals[place] = fmaf(sum, scale, totals[place]); });
      if (next != nullptr) scales.load(next, index);
    }
  }

  __device__ void release(const Stage& stage) const {
    __syncwarp();
    if (threadIdx.x % 32 != 0) return;
    barrier_arrive(empty_ + 8 * stage.index);
  }

  // A warp writes 8 outputs of four rows at a time, whole sectors of 32 bytes.
  template <bool kAdds, int kCount>
  __device__ static void write(const ProductUnit& unit, const float (&totals)[kCount][kSums]) {
    const int output = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4;
    const bool holds[2] = {unit.holds(output), unit.holds(output + 8)};
    const std::int64_t stride = unit.row_stride;
    const int rows = unit.rows;
    float* const out = unit.out + output;
    __builtin_assume(__isGlobal(out));
#pragma unroll
    for (int chunk = 0; chunk < kCount; ++chunk) {
      const auto place = [&](int row, int half) { return out + (chunk * kChunkRows + row) * stride + 8 * half; };
      const auto held = [&](int row, int half) { return chunk * kChunkRows + row < rows && holds[half]; };
      if constexpr (kAdds) {
        float before[kSums];  // all are on their way before the first is added to
        int index = 0;
        use_rows<kOperand, kPrefillColumns>(totals[chunk], [&](int row, int half, float /*value*/) {
          before[index++] = held(row, half) ? *place(row, half) : 0.0F;
        });
        index = 0;
        use_rows<kOperand, kPrefillColumns>(totals[chunk], [&](int row, int half, float value) {
          if (held(row, half)) *place(row, half) = before[index] + value;
          ++index;
        });
      } else {
        use_rows<kOperand, kPrefillColumns>(totals[chunk], [&](int row, int half, float value) {
          if (held(row, half)) *place(row, half) = value;
        });
      }
    }
  }

  const ProductWork& work_;
  const int stages_;
  const int units_;
  const int places_;
  std::uint8_t* const memory_;
  int stage_bytes_;
  std::uint32_t full_;
  std::uint32_t empty_;
  const std::uint8_t* tables_ = nullptr;
};

template <TileKind kKind, Operand kOperand, int kChunks>
__global__ void __launch_bounds__(kPrefillThreads, 1)
    prefill_product(const __grid_constant__ ProductWork work, const PrefillLaunch launch) {
  extern __shared__ __align__(128) std::uint8_t memory[];
  PrefillProduct<kKind, kOperand, kChunks>(work, launch, memory).run();
}

}  // namespace fathom::cuda
