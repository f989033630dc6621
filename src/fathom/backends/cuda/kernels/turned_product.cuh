// Products of many rows with FP8 weights, activations as e4m3, turned around: rows of activations are the matrix
// instruction's first operand, in registers, and outputs its second. A thread's 32 sums of a tile then belong to two
// rows, and have two scales where 32 sums of two outputs have sixteen: an addition is all that a sum takes while the
// tensor core runs (docs/notes/2026-11-30-cuda-prefill-units.md). Neighbours in a row of the result are neighbours in a
// thread. sm_90a alone; the bits are prefill_product's. What becomes of a unit's sums is its end's (turned_ends.cuh).
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_sums.cuh"
#include "fathom/backends/cuda/kernels/turned_unit.cuh"
#include "fathom/backends/cuda/kernels/warpgroup_registers.cuh"

namespace fathom::cuda {

template <typename End>
class TurnedProduct {
  static constexpr int kTile = tile_bytes(TileKind::fp8);
  static constexpr int kBlock = block_bytes(Operand::e4m3, kPrefillColumns);
  static constexpr int kRowsAt = kTurnedTiles * kTile;  // of a stage
  static constexpr int kScalesAt = kPrefillColumns * kBlockInputs;

 public:
  __device__ TurnedProduct(const ProductWork& work, const TurnedLaunch& launch, const typename End::Args& end,
                           std::uint8_t* memory)
      : work_(work),
        launch_(launch),
        end_(end),
        memory_(memory),
        full_(shared_address(memory + launch.stages * kTurnedStageBytes)),
        empty_(full_ + 8 * launch.stages) {}

  __device__ void run() {
    let_later_kernels_begin();
    wait_for_earlier_kernels();
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < launch_.stages; ++stage) {
        barrier_init(full_ + 8 * stage, copy_arrivals());
        barrier_init(empty_ + 8 * stage, kTurnedConsumers / 32);
      }
      fence_barriers();
    }
    __syncthreads();
    if (threadIdx.x >= kTurnedConsumers) {
      give_registers<24>();
      if (threadIdx.x < kTurnedConsumers + 32) copy();
    } else {
      take_registers<240>();
      compute();
    }
  }

 private:
  __device__ void copy() const {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    Stage stage;
    int turn = 0;
    for (int index = unit_of_turn(turn); index < launch_.units; index = unit_of_turn(turn)) {
      const TurnedUnit unit = turned_unit<End>(work_, launch_, index);
      leave_unit(unit, turn++, stage, lane);
      copy_unit(unit, stage, lane);
    }
    leave_unit({}, turn, stage, lane);
    expect_bytes(full_ + 8 * stage.index, 0, lane);
  }

  // The parts of an item, one after the other.
  __device__ static int unit_of_turn(int turn) {
    const int item = static_cast<int>(blockIdx.x) + turn / End::kParts * static_cast<int>(gridDim.x);
    return item * End::kParts + turn % End::kParts;
  }

  // Tiles and chunks that do not exist are multiplied as they lie there, and not written.
  __device__ void copy_unit(const TurnedUnit& unit, Stage& stage, int lane) const {
    for (int block = 0; block < work_.weight_blocks; ++block) {
      barrier_wait(empty_ + 8 * stage.index, stage.parity ^ 1);
      const std::uint32_t full = full_ + 8 * stage.index;
      const std::uint32_t to = shared_address(memory_) + stage.index * kTurnedStageBytes;
      expect_bytes(full, unit.tile_count * kTile + unit.chunks * kBlock, lane);
#pragma unroll
      for (int tile = 0; tile < kTurnedTiles; ++tile)
        if (tile < unit.tile_count)
          copy_bytes(to + tile * kTile,
                     unit.tiles[tile / 2] + (std::int64_t{tile % 2} * work_.weight_blocks + block) * kTile, kTile, full,
                     lane);
      copy_bytes(to + kRowsAt, unit.x + std::int64_t{block} * work_.x_chunks * kBlock, unit.chunks * kBlock, full,
                 lane);
      stage.advance(launch_.stages);
    }
  }

  // As in prefill_product.cuh.
  __device__ static TurnedUnit* units_left() {
    static_assert(2 * kMostStages * sizeof(TurnedUnit) <= 1152, "what no stage may take");
    __shared__ __align__(16) std::uint8_t units[2 * kMostStages * sizeof(TurnedUnit)];
    return reinterpret_cast<TurnedUnit*>(units);
  }
  __device__ void leave_unit(const TurnedUnit& unit, int turn, const Stage& stage, int lane) const {
    barrier_wait(empty_ + 8 * stage.index, stage.parity ^ 1);
    if (lane == 0) units_left()[turn % (2 * kMostStages)] = unit;
  }

  __device__ void compute() const {
    Stage stage;
    const Own own = own_places();
    for (int turn = 0;; ++turn) {
      barrier_wait(full_ + 8 * stage.index, stage.parity);
      const TurnedUnit& unit = units_left()[turn % (2 * kMostStages)];
      if (unit.exists == 0) return;
      TurnedTotals totals = {};
      multiply(own, totals, stage);
      End::take(work_, end_, unit, totals);
    }
  }

  // Where a thread reads of a stage, kept in registers.
  struct Own {
    int rows;    // the operand's
    int scales;  // of the first of its two rows
  };
  __device__ static Own own_places() {
    const int thread = static_cast<int>(threadIdx.x) % kWarpgroupThreads;
    const int chunk = kRowsAt + static_cast<int>(threadIdx.x) / kWarpgroupThreads * kBlock;
    Own own = {.rows = chunk + operand_place(thread),
               .scales = chunk + kScalesAt + 4 * (thread / 32 * 16 + thread % 32 / 4)};
    asm volatile("" : "+r"(own.rows), "+r"(own.scales));
    return own;
  }

  // The last tile's sums of a block are added while the tensor core is at the next block's first tile.
  using Rows = WeightOperand<TileKind::fp8, Operand::e4m3>;
  struct Carried {
    Rows rows;
    float sums[2][kTurnedSums];  // tiles take turns
    float scales[2];             // of the sums that wait
  };

  __device__ void multiply(const Own& own, TurnedTotals& totals, Stage& stage) const {
    Carried carried;
    multiply_block<true>(own, carried, totals, stage);
#pragma unroll 1
    for (int block = 1; block < work_.weight_blocks; ++block) multiply_block<false>(own, carried, totals, stage);
    add(carried.sums[1], carried.scales, totals[kTurnedTiles - 1]);
  }

  template <bool kFirst>
  __device__ void multiply_block(const Own& own, Carried& carried, TurnedTotals& totals, Stage& stage) const {
    barrier_wait(full_ + 8 * stage.index, stage.parity);
    const std::uint8_t* at = memory_ + stage.index * kTurnedStageBytes;
    auto& [rows, sums, carried_scales] = carried;
    load(rows, shared_address(at + own.rows));
    start(sums[0], rows, at);
    const float of_rows[2] = {*reinterpret_cast<const float*>(at + own.scales),
                              *reinterpret_cast<const float*>(at + own.scales + 8 * sizeof(float))};
    float scales[kTurnedTiles][2];
#pragma unroll
    for (int tile = 0; tile < kTurnedTiles; ++tile) {
      const std::uint32_t exponent = at[tile * kTile + codes_bytes(TileKind::fp8)];
      const float of_tile = __uint_as_float(exponent << 23);
      scales[tile][0] = of_rows[0] * of_tile;
      scales[tile][1] = of_rows[1] * of_tile;
    }
    if constexpr (!kFirst) add(sums[1], carried_scales, totals[kTurnedTiles - 1]);
#pragma unroll
    for (int tile = 1; tile < kTurnedTiles; ++tile) {
      start(sums[tile % 2], rows, at + tile * kTile);
      wait_products<1>();
      add(sums[(tile + 1) % 2], scales[tile - 1], totals[tile - 1]);
    }
    carried_scales[0] = scales[kTurnedTiles - 1][0];
    carried_scales[1] = scales[kTurnedTiles - 1][1];
    wait_products<0>();
    rows.hold();
    __syncwarp();
    if (elected()) barrier_arrive(empty_ + 8 * stage.index);
    stage.advance(launch_.stages);
  }

  __device__ static void load(Rows& rows, std::uint32_t operand) {
    __syncwarp();  // lanes that leave a wait may lag, and they load for one another
#pragma unroll
    for (int step = 0; step < Rows::kSteps; ++step) {
      const uint4 words = load_operand(operand + step * kOperandStep);
      rows.a[step][0] = words.x;
      rows.a[step][1] = words.y;
      rows.a[step][2] = words.z;
      rows.a[step][3] = words.w;
    }
  }

  __device__ static void start(float (&sums)[kTurnedSums], const Rows& rows, const std::uint8_t* tile) {
    start_block<TileKind::fp8, Operand::e4m3, kTileRows>(sums, rows, shared_address(tile));
  }

  // sums[4 i + 2 half + c] is the row g + 8 half, the output 8 i + 2 t + c.
  __device__ static void add(float (&sums)[kTurnedSums], const float (&scales)[2], float (&totals)[kTurnedSums]) {
    hold_sums<kTileRows>(sums);
#pragma unroll
    for (int index = 0; index < kTurnedSums; ++index)
      totals[index] = fmaf(sums[index], scales[index / 2 % 2], totals[index]);
    hold_sums<kTileRows>(totals);  // or they are added behind the next wait, when nothing runs beside them
  }

  const ProductWork& work_;
  const TurnedLaunch& launch_;
  const typename End::Args& end_;
  std::uint8_t* const memory_;
  const std::uint32_t full_;
  const std::uint32_t empty_;
};

}  // namespace fathom::cuda
