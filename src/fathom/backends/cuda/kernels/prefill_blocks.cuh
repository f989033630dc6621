// Blocks of inputs of a unit of prefill, from shared memory into the sums of its columns: a warpgroup widens its row
// tile once for a block and multiplies it with the columns 64 at a time, adding one 64's sums while the tensor core is
// at the next.
#pragma once

#include <cstdint>
#include <type_traits>

#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/product_sums.cuh"
#include "fathom/backends/cuda/kernels/warpgroup_registers.cuh"

namespace fathom::cuda {

// The ring of stages: two row tiles, then chunks of columns. `full` and `empty` are the first of their barriers.
struct PrefillStages {
  std::uint8_t* memory;
  int count;
  int bytes;
  std::uint32_t full;
  std::uint32_t empty;

  __device__ std::uint8_t* at(const Stage& stage) const { return memory + stage.index * bytes; }
};

template <TileKind kKind, Operand kOperand>
struct PrefillLayout {
  static constexpr int kTile = tile_bytes(kKind);
  static constexpr int kBlock = block_bytes(kOperand, kPrefillColumns);
  static constexpr int kScalesAt = kPrefillColumns * kBlockInputs * operand_bytes(kOperand);
  static constexpr int kChunkRows = kPrefillColumns / columns_of_row(kOperand);
  static constexpr int kSums = kPrefillColumns / 2;  // of a thread and chunk

  // Columns of a unit's chunk: the fourth of FP4 beside e4m3 is half a one (product_launch.h).
  __device__ static constexpr int columns_of(int chunk) {
    return half_more(kKind, kOperand) && chunk == 3 ? kPrefillColumns / 2 : kPrefillColumns;
  }
  template <int kColumns>
  using SumsOf = float (&)[kColumns / 2];
  template <int kColumns>
  __device__ static SumsOf<kColumns> part_of(float (&sums)[kSums]) {
    return reinterpret_cast<SumsOf<kColumns>>(sums);
  }
  template <int kColumns>
  __device__ static const float (&part_of(const float (&sums)[kSums]))[kColumns / 2] {
    return reinterpret_cast<const float(&)[kColumns / 2]>(sums);
  }
  // use(chunk) with the number of each chunk as a constant.
  template <int kCount, int kFrom, typename Use>
  __device__ static void for_chunks(const Use& use) {
    if constexpr (kFrom < kCount) {
      use(std::integral_constant<int, kFrom>());
      for_chunks<kCount, kFrom + 1>(use);
    }
  }
};

template <TileKind kKind, Operand kOperand>
class PrefillBlocks {
  using Layout = PrefillLayout<kKind, kOperand>;
  static constexpr int kSums = Layout::kSums;

 public:
  // `tables` are fill_magnitude_tables'.
  __device__ PrefillBlocks(const PrefillStages& stages, const ProductWork& work, const std::uint8_t* tables)
      : stages_(stages), work_(work), tables_(tables) {
    const int thread = static_cast<int>(threadIdx.x);
    own_ = {.share = tile_share<kKind>(thread % kWarpgroupThreads), .scales = own_scales()};
    for (int* at : {&own_.share.codes, &own_.share.groups, &own_.share.exponents})
      *at += thread / kWarpgroupThreads * Layout::kTile;
    own_.keep();
  }

  // A unit of kCount chunks; kEven: of even tiles. `stage` is its first block's, and is left behind the last one's.
  template <int kCount, bool kEven>
  __device__ void multiply(float (&totals)[kCount][kSums], Stage& stage) const {
    if constexpr (kEven || (kKind == TileKind::fp8 && kOperand == Operand::e4m3)) {
      multiply_carrying<kCount, kEven>(totals, stage);
    } else {  // binary16 has twice the operands, and no registers for that
      multiply_blocks<kCount>(totals, stage);
    }
  }

 private:
  // Where a thread reads, kept in registers: found anew where it is needed it makes every block of inputs wait.
  struct Own {
    TileShare share;  // of a stage
    int scales;       // of a chunk

    __device__ void keep() {
      // FP4 has no register for its scales' place; that one is found anew beside products in flight.
      if constexpr (kKind == TileKind::fp4) asm volatile("" : "+r"(share.codes), "+r"(share.groups));
      if constexpr (kKind == TileKind::fp8) asm volatile("" : "+r"(share.codes), "+r"(share.exponents), "+r"(scales));
    }
  };

  using Weight = WeightOperand<kKind, kOperand>;
  using Scales = ColumnScales<kPrefillColumns>;
  using Sums = float[2][kSums];  // chunks take turns

  // FP8's codes are the operand itself: products in flight would wait for whoever fetches into its registers.
  static constexpr bool kFetchesAhead = kKind == TileKind::fp4;

  template <int kCount>
  __device__ void multiply_blocks(float (&totals)[kCount][kSums], Stage& stage) const {
    for (int block = 0; block < work_.weight_blocks; ++block) {
      barrier_wait(stages_.full + 8 * stage.index, stage.parity);
      const std::uint8_t* at = stages_.at(stage);
      Weight weight;
      weight.load(at + threadIdx.x / kWarpgroupThreads * Layout::kTile, threadIdx.x % kWarpgroupThreads, tables_);
      multiply_chunks<kCount>(weight, at + 2 * Layout::kTile, totals);
      release(stage);
      stage.advance(stages_.count);
    }
  }

  template <int kCount>
  __device__ void multiply_chunks(const Weight& weight, const std::uint8_t* x, float (&totals)[kCount][kSums]) const {
    float sums[2][kSums];
    const auto add = [&](auto chunk) {
      use_block<kKind, kOperand, Layout::columns_of(chunk)>(
          Layout::template part_of<Layout::columns_of(chunk)>(sums[chunk % 2]), weight, scales_at(x, chunk),
          [&](int index, float sum, float scale) { totals[chunk][index] = fmaf(sum, scale, totals[chunk][index]); });
    };
    Layout::template for_chunks<kCount, 0>([&](auto chunk) {
      start<chunk>(sums[chunk % 2], weight, x);
      if constexpr (chunk > 0) {
        wait_products<1>();
        add(std::integral_constant<int, chunk - 1>());
      }
    });
    wait_products<0>();
    weight.hold();
    add(std::integral_constant<int, kCount - 1>());
  }

  template <int kChunk>
  __device__ static void start(float (&sums)[kSums], const Weight& weight, const std::uint8_t* x) {
    start_block<kKind, kOperand, Layout::columns_of(kChunk)>(Layout::template part_of<Layout::columns_of(kChunk)>(sums),
                                                             weight, shared_address(x + kChunk * Layout::kBlock));
  }

  // A block's last sums are added while the tensor core is at the next block, whose weights have been fetched before
  // the wait for those sums. Nothing is in flight where a loop begins anew, or the compiler lets every product wait for
  // the one before. `scales` are those of the sums that are added next: as they are used up, the next ones take their
  // places.
  struct Carried {
    Sums sums;
    TileCodes<kKind> codes;  // of the next block
    Weight weight;
    Scales scales;
    float rows[2];  // of the sums that wait
  };

  template <int kCount, bool kEven>
  __device__ void multiply_carrying(float (&totals)[kCount][kSums], Stage& stage) const {
    Carried carried;
    if constexpr (kFetchesAhead) fetch<kEven>(carried.codes, stage);
    int left = work_.weight_blocks;
    multiply_block<kCount, kEven, 0, true>(carried, totals, stage, --left > 0);
    if constexpr (kCount % 2 == 0) {
#pragma unroll 1
      while (left > 0) multiply_block<kCount, kEven, 0, false>(carried, totals, stage, --left > 0);
      add_last<kCount, kEven>(carried, carried.sums[1], totals);
    } else {  // a block begins with the sums that the one before did not end with
#pragma unroll 1
      while (left > 1) {
        multiply_block<kCount, kEven, 1, false>(carried, totals, stage, --left > 0);
        multiply_block<kCount, kEven, 0, false>(carried, totals, stage, --left > 0);
      }
      if (left == 1) {
        multiply_block<kCount, kEven, 1, false>(carried, totals, stage, false);
        add_last<kCount, kEven>(carried, carried.sums[1], totals);
      } else {
        add_last<kCount, kEven>(carried, carried.sums[0], totals);
      }
    }
  }

  template <bool kEven>
  __device__ void fetch(TileCodes<kKind>& codes, const Stage& stage) const {
    barrier_wait(stages_.full + 8 * stage.index, stage.parity);
    const std::uint8_t* tiles = stages_.at(stage);
    codes.load(tiles, own_.share);
    if constexpr (!kEven) codes.load_exponents(tiles, own_.share);
  }

  // `stage` is the block's, and is left at the next one's.
  template <int kCount, bool kEven, int kFirst, bool kFirstBlock>
  __device__ void multiply_block(Carried& carried, float (&totals)[kCount][kSums], Stage& stage, bool goes_on) const {
    Weight& weight = carried.weight;
    Scales& scales = carried.scales;
    auto& sums = carried.sums;
    if constexpr (!kFetchesAhead) fetch<kEven>(carried.codes, stage);
    weight.template widen<kEven>(carried.codes, tables_);
    if constexpr (!kEven) weight.take_scales(carried.codes);
    const std::uint8_t* x = stages_.at(stage) + 2 * Layout::kTile;
    start<0>(sums[kFirst], weight, x);
    if constexpr (kFirstBlock) {
      load_scales(scales, scales_at(x, 0));
    } else {
      add<kEven, kCount - 1, 0>(sums[(kFirst + 1) % 2], carried.rows, scales, scales_at(x, 0), totals);
    }
    Stage next = stage;
    next.advance(stages_.count);
    Layout::template for_chunks<kCount, 1>([&](auto chunk) {
      start<chunk>(sums[(kFirst + chunk) % 2], weight, x);
      wait_products<1>();
      add<kEven, chunk - 1, chunk>(sums[(kFirst + chunk + 1) % 2], weight.scale, scales, scales_at(x, chunk), totals);
    });
    if (kFetchesAhead && goes_on) fetch<kEven>(carried.codes, next);
    if (kEven && !goes_on) {
      carried.codes.load_exponents(stages_.at(stage), own_.share);
      weight.take_scales(carried.codes);
    }
    carried.rows[0] = weight.scale[0];
    carried.rows[1] = weight.scale[1];
    wait_products<0>();
    weight.hold();
    release(stage);
    stage = next;
  }

  template <int kCount, bool kEven>
  __device__ void add_last(Carried& carried, float (&sums)[kSums], float (&totals)[kCount][kSums]) const {
    add<kEven, kCount - 1, kNone>(sums, carried.rows, carried.scales, nullptr, totals);
    if constexpr (kEven) {
#pragma unroll
      for (int chunk = 0; chunk < kCount; ++chunk)
#pragma unroll
        for (int index = 0; index < kSums; ++index) totals[chunk][index] *= carried.rows[index / 2 % 2];
    }
  }

  // Adds a chunk's sums, and fetches the scales of the next chunk. The sums of even weights leave their rows' powers of
  // two for the end.
  static constexpr int kNone = -1;
  template <bool kEven, int kChunk, int kNext, int kCount>
  __device__ static void add(float (&all)[kSums], const float (&rows)[2], Scales& scales, const std::uint8_t* next,
                             float (&totals)[kCount][kSums]) {
    constexpr int kColumns = Layout::columns_of(kChunk);
    auto& sums = Layout::template part_of<kColumns>(all);
    hold_sums<kColumns>(sums);
    constexpr float kOnes[2] = {1.0F, 1.0F};
#pragma unroll
    for (int index = 0; index < kPrefillColumns / 8; ++index) {
      if (index < kColumns / 8)
        use_columns<Weight::kRowsShareScale, kColumns>(
            sums, index, scales.of[index], kEven ? kOnes : rows, [&](int place, float sum, float scale) {
              totals[kChunk][place] = fmaf(sum, scale, totals[kChunk][place]);
            });
      if (kNext != kNone && index < Layout::columns_of(kNext) / 8) scales.load(next, index);
    }
    // Or they are added behind the next wait, when nothing runs beside them.
    hold_sums<kColumns>(Layout::template part_of<kColumns>(totals[kChunk]));
  }

  // The first of this thread's.
  __device__ const std::uint8_t* scales_at(const std::uint8_t* x, int chunk) const {
    return x + chunk * Layout::kBlock + Layout::kScalesAt + own_.scales;
  }

  __device__ void release(const Stage& stage) const {
    __syncwarp();
    if (elected()) barrier_arrive(stages_.empty + 8 * stage.index);
  }

  const PrefillStages& stages_;
  const ProductWork& work_;  // read where it is wanted: its numbers are constants, and registers are short
  const std::uint8_t* const tables_;
  Own own_;
};

}  // namespace fathom::cuda
