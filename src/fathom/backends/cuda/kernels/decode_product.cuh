// Products of few rows: the time of reading the weights once. A thread block takes 128 outputs and a stretch of their
// inputs; the blocks of a cluster share the stretches and hand every sum over 128 inputs to the block that owns its
// output, which adds them in the order of the inputs when all are there.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/cluster.cuh"
#include "fathom/backends/cuda/kernels/kept_sums.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/own_rows.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/product_sums.cuh"
#include "fathom/backends/cuda/kernels/product_unit.cuh"
#include "fathom/backends/cuda/kernels/shared_block.cuh"

namespace fathom::cuda {

inline constexpr int kDecodeConsumers = 256;  // two warpgroups, a row tile each
inline constexpr int kDecodeThreads = kDecodeConsumers + 32;

// First block of inputs of a rank of the cluster.
__host__ __device__ constexpr int first_block(int rank, int cluster, int blocks) {
  return static_cast<int>(std::int64_t{rank} * blocks / cluster);
}

// Whether a warp widens its next weights while the tensor core is at these. It costs their registers twice: with wide
// sums beside them there is no room, and FP4, which is bound by widening, gains more from a third thread block.
constexpr bool widens_ahead(TileKind kind, Operand operand, int columns) {
  return kind != TileKind::fp4 && (operand == Operand::e4m3 || columns < 32);
}

template <TileKind kKind, Operand kOperand, int kColumns, OwnPacking kPacking>
class DecodeProduct {
 public:
  static constexpr bool kPacks = kPacking != OwnPacking::none;
  static constexpr bool kAwaits = kPacking == OwnPacking::awaited;
  static constexpr int kBlockBytes = block_bytes(kOperand, kColumns);
  static constexpr int kStageBytes = decode_stage_bytes(kKind, kOperand, kColumns, kPacks);
  static constexpr int kTile = tile_bytes(kKind);
  static constexpr int kScalesAt = kColumns * kBlockInputs * operand_bytes(kOperand);
  static constexpr int kChunkRows = kColumns / columns_of_row(kOperand);
  static constexpr bool kAhead = widens_ahead(kKind, kOperand, kColumns);
  // So there are registers for where a thread's result goes, known ahead of the rows.
  static constexpr bool kHoldsNoWeights = takes_shared_weights(kKind, kOperand);
  using Kept = KeptSums<kOperand, kColumns, kDecodeConsumers>;

  // `place`: of the block among those of this work.
  __device__ DecodeProduct(const ProductWork& work, const DecodeShape& shape, std::uint8_t* memory, unsigned place)
      : work_(work),
        shape_(shape),
        memory_(memory),
        own_(memory + shape.stages * kStageBytes + kept_bytes(kOperand, shape, work.weight_blocks)),
        kept_(shape, work.weight_blocks, reinterpret_cast<float*>(memory + shape.stages * kStageBytes),
              shared_address(own_) - kKeptBarrier),
        rank_(static_cast<int>(place % static_cast<unsigned>(shape.cluster))),
        first_(first_block(rank_, shape.cluster, work.weight_blocks)),
        last_(first_block(rank_ + 1, shape.cluster, work.weight_blocks)),
        place_(static_cast<int>(place / static_cast<unsigned>(shape.cluster))) {
    full_ = shared_address(own_ + shape.own_blocks * kBlockBytes);
    empty_ = full_ + 8 * shape.stages;
  }

  // All that does not need it is done before which experts were chosen is known.
  __device__ void run() {
    const bool chosen_late = work_.items != nullptr && work_.items_known == 0;
    const bool shared = shape_.cluster > 1;
    if (!chosen_late) let_later_kernels_begin();
    prepare();
    if (chosen_late) {
      send_for_tables();
      wait_for_earlier_kernels();
      let_later_kernels_begin();
    }
    unit_ = product_unit<true>(work_, {kTile, kBlockBytes, kChunkRows}, place_);
    if (!unit_.exists) {  // the whole cluster alike
      wait_for_earlier_kernels();
      if (shared) cluster_wait();
      return;
    }
    if (threadIdx.x >= kDecodeConsumers) {
      copy();
      if (shared) cluster_wait();
      return;
    }
    if (shared) cluster_wait();  // the others are there to be written to
    const KeptPlace to = kept_.place(first_);
    typename Kept::Share own = {};
    if constexpr (kHoldsNoWeights) own = own_share();
    if constexpr (kPacks) {
      const int first = x_block(first_);
      const int last = first_ < last_ ? x_block(last_ - 1) + 1 : first;
      OwnRowsOfBlock<kOperand, kColumns, kPacking, kDecodeConsumers>(work_, unit_, own_, first, last).pack();
    } else {
      wait_for_earlier_kernels();
    }
    compute(to);
    if (!shared || rank_ >= shape_.keepers) return;
    kept_.await_all();
    if constexpr (kPacking == OwnPacking::rows_and_sums) {
      kept_.pack(unit_, work_.packed + std::int64_t{place_} * kBlockBytes);
    } else {
      if constexpr (!kHoldsNoWeights) own = own_share();
      kept_.add(unit_, rank_, own);
    }
  }

 private:
  __device__ typename Kept::Share own_share() const { return kept_.share(unit_, rank_, static_cast<int>(threadIdx.x)); }

  __device__ void prepare() {
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < shape_.stages; ++stage) {
        barrier_init(full_ + 8 * stage, copy_arrivals());
        barrier_init(empty_ + 8 * stage, kDecodeConsumers / 32);
      }
      if (shape_.cluster > 1) kept_.expect(rank_);
      fence_barriers();
    }
    tables_ = fill_magnitude_tables<kKind, kOperand>();
    __syncthreads();
    // A release would wait until the multiprocessor's copies are there, its other blocks' too.
    if (shape_.cluster > 1) cluster_arrive_relaxed();
  }

  // Where the experts' tiles lie.
  __device__ void send_for_tables() const {
    constexpr int kFloats = sizeof(const std::uint8_t*) / sizeof(float);
    for (int target = 0; target < work_.target_count; ++target)
      send_for(reinterpret_cast<const float*>(work_.targets[target].expert_tiles), kFloats * work_.experts);
  }

  // The block of activations that a block of weights meets.
  __device__ int x_block(int block) const { return work_.parts == 1 ? block : block / work_.parts; }

  // The first weights are on their way before an earlier kernel has written the activations.
  __device__ void copy() const {
    if constexpr (kPacks && !kAwaits && kHasCopyEngine)
      if (shape_.pace > 0) return copy_in_turn();
    const int ahead = min(last_, first_ + shape_.stages);
    Stage stage;
    for (int block = first_; block < ahead; ++block) {
      copy_weights(stage, block);
      stage.advance(shape_.stages);
    }
    for (int block = ahead; block < min(last_, ahead + shape_.sent_for); ++block) {
      send_for_bytes(unit_.tiles[0] + std::int64_t{block} * kTile, kTile, threadIdx.x % 32);
      send_for_bytes(unit_.tiles[1] + std::int64_t{block} * kTile, kTile, threadIdx.x % 32);
    }
    if (work_.next != nullptr) send_for_next();
    if constexpr (!kAwaits) wait_for_earlier_kernels();
    stage = {};
    for (int block = first_; block < last_; ++block) {
      if (block >= ahead) {
        barrier_wait(empty_ + 8 * stage.index, stage.parity ^ 1);
        copy_weights(stage, block);
      }
      copy_activations(stage, block);
      stage.advance(shape_.stages);
    }
    if constexpr (kAwaits) wait_for_earlier_kernels();  // before this one ends
  }

  // The same, but no more than the bus brings: what others read meanwhile, be it in the second-level cache, would stand
  // behind all that was sent for.
  __device__ void copy_in_turn() const {
    if (threadIdx.x % 32 == 0) {
      const int ahead = min(last_, first_ + shape_.stages);
      Stage stage;
      for (int block = first_; block < ahead; ++block) {
        if (block > first_) barrier_wait(full_ + 8 * (block - 1 - first_), 0);
        copy_weights(stage, block);
        stage.advance(shape_.stages);
      }
      SentAhead ahead_of_rows(*this, ahead);
      for (int block = ahead; block < last_;) {
        if (barrier_is_past(empty_ + 8 * stage.index, stage.parity ^ 1)) {
          copy_weights(stage, block++);
          stage.advance(shape_.stages);
        } else {
          ahead_of_rows.send_in_turn(block);
        }
      }
      ahead_of_rows.send_all();
    }
    __syncwarp();
    wait_for_earlier_kernels();
  }

  // What comes into the second-level cache: the rest of the own weights, then a share of the next product's.
  class SentAhead {
   public:
    __device__ SentAhead(const DecodeProduct& product, int first)
        : of_(product), block_(first), last_(min(product.last_, first + product.shape_.sent_for)), since_(now()) {}

    // Behind `copied` blocks.
    __device__ void send_in_turn(int copied) {
      if (now() - since_ < static_cast<std::uint32_t>(of_.shape_.pace)) return;
      since_ = now();
      block_ = max(block_, copied);
      if (block_ < last_) {
        send_for_bytes(of_.unit_.tiles[0] + std::int64_t{block_} * kTile, kTile, 0);
        send_for_bytes(of_.unit_.tiles[1] + std::int64_t{block_} * kTile, kTile, 0);
        ++block_;
      } else {
        send_some(4);
      }
    }

    __device__ void send_all() { send_some(kPiece); }

   private:
    static constexpr int kPiece = 4096;

    __device__ static std::uint32_t now() { return static_cast<std::uint32_t>(clock()); }

    __device__ void send_some(int pieces) {
      for (; pieces > 0; --pieces) {
        const std::int64_t at = (std::int64_t{blockIdx.x} + std::int64_t{sent_} * gridDim.x) * kPiece;
        if (at >= of_.work_.next_bytes) return;
        send_for_bytes(of_.work_.next + at,
                       static_cast<std::uint32_t>(min(std::int64_t{kPiece}, of_.work_.next_bytes - at)), 0);
        ++sent_;
      }
    }

    const DecodeProduct& of_;
    int block_;
    const int last_;
    int sent_ = 0;
    std::uint32_t since_;
  };

  // This block's share, by the lanes of the copying warp.
  __device__ void send_for_next() const {
    constexpr std::int64_t kPiece = 4096;
    const std::int64_t pieces = (work_.next_bytes + kPiece - 1) / kPiece;
    for (std::int64_t piece = blockIdx.x + std::int64_t{threadIdx.x % 32} * gridDim.x; piece < pieces;
         piece += std::int64_t{32} * gridDim.x)
      send_for_bytes(work_.next + piece * kPiece,
                     static_cast<std::uint32_t>(min(kPiece, work_.next_bytes - piece * kPiece)), 0);
  }

  __device__ void copy_weights(const Stage& stage, int block) const {
    const int lane = threadIdx.x % 32;
    const std::uint32_t full = full_ + 8 * stage.index;
    const std::uint32_t to = shared_address(memory_) + stage.index * kStageBytes;
    expect_bytes(full, kStageBytes, lane);
    copy_bytes(to, unit_.tiles[0] + std::int64_t{block} * kTile, kTile, full, lane);
    copy_bytes(to + kTile, unit_.tiles[1] + std::int64_t{block} * kTile, kTile, full, lane);
  }

  __device__ void copy_activations(const Stage& stage, int block) const {
    const std::uint32_t full = full_ + 8 * stage.index;
    if constexpr (!kPacks)
      copy_bytes(shared_address(memory_) + stage.index * kStageBytes + 2 * kTile,
                 unit_.x + std::int64_t{x_block(block)} * work_.x_chunks * kBlockBytes, kBlockBytes, full,
                 threadIdx.x % 32);
    copies_issued(full);
  }

  // Without a second tile the second warpgroup repeats the first.
  __device__ void compute(KeptPlace to) {
    float totals[kColumns / 2] = {};
    if constexpr (kHoldsNoWeights) {
      if (first_ < last_) add_shared_blocks(to, totals);
    } else {
      if (first_ < last_) add_blocks(to, totals);
    }
    if (shape_.cluster > 1) return;
    const int row = Kept::unit_row();
    use_rows<kOperand, kColumns>(totals, [&](int column, int half, float value) {
      if (column < unit_.rows && unit_.holds(row + 8 * half)) unit_.put(column, row + 8 * half, value);
    });
  }

  // While the tensor core is at a block, the next one is widened: no branch may stand between a product's start and its
  // wait.
  __device__ void add_blocks(KeptPlace place, float (&totals)[kColumns / 2]) {
    Stage stage;
    int own = static_cast<int>(own_ - memory_);  // no division in a step: it would stand ahead of the products
    int part = work_.parts == 1 ? 0 : first_ % work_.parts;
    WeightOperand<kKind, kOperand> weight = load(stage);
#pragma unroll 1
    for (int block = first_; block < last_; ++block) {
      const std::uint8_t* x = memory_ + (kPacks ? own : stage.index * kStageBytes + 2 * kTile);
      float sums[kColumns / 2];
      start_block<kKind, kOperand, kColumns>(sums, weight, shared_address(x));
      const std::uint32_t used = empty_ + 8 * stage.index;
      stage.advance(shape_.stages);
      WeightOperand<kKind, kOperand> next;
      if (kAhead && block + 1 < last_) next = load(stage);
      wait_products<0>();
      weight.hold();
      finish(sums, weight, x + kScalesAt + own_scales(), place, totals);
      __syncwarp();
      if (threadIdx.x % 32 == 0) barrier_arrive(used);
      if (!kAhead && block + 1 < last_) next = load(stage);
      weight = next;
      place.advance();
      if (++part == work_.parts) {
        part = 0;
        own += kBlockBytes;
      }
    }
  }

#ifdef FATHOM_WARPGROUP_PRODUCTS
  // Two blocks at a time: the second one's product runs while the first one's sums are used.
  __device__ void add_shared_blocks(KeptPlace place, float (&totals)[kColumns / 2]) {
    float sums[2][kColumns / 2];
    Stage stage;
    int block = first_;
#pragma unroll 1
    for (; block + 1 < last_; block += 2) {
      const SharedBlock<kColumns> first = start_shared(block, stage, sums[0]);
      const SharedBlock<kColumns> second = start_shared(block + 1, stage, sums[1]);
      wait_products<1>();
      use_shared(first, sums[0], place, totals);
      __syncwarp();  // lanes that send nothing may be ahead
      wait_products<0>();
      use_shared(second, sums[1], place, totals);
    }
    if (block == last_) return;
    const SharedBlock<kColumns> last = start_shared(block, stage, sums[0]);
    wait_products<0>();
    use_shared(last, sums[0], place, totals);
  }

  // FP8 weights have one part: a block of weights meets its own block of rows.
  __device__ SharedBlock<kColumns> start_shared(int block, Stage& stage, float (&sums)[kColumns / 2]) const {
    const std::uint8_t* tile =
        memory_ + stage.index * kStageBytes + static_cast<int>(threadIdx.x) / kWarpgroupThreads * kTile;
    const std::uint8_t* x =
        kPacks ? own_ + (block - first_) * kBlockBytes : memory_ + stage.index * kStageBytes + 2 * kTile;
    barrier_wait(full_ + 8 * stage.index, stage.parity);
    const SharedBlock<kColumns> started(sums, tile, x, empty_ + 8 * stage.index);
    stage.advance(shape_.stages);
    return started;
  }

  // A stage is free when its product has ended.
  __device__ void use_shared(const SharedBlock<kColumns>& block, float (&sums)[kColumns / 2], KeptPlace& place,
                             float (&totals)[kColumns / 2]) {
    hold_sums<kColumns>(sums);
    block.frees_stage();
    use_sums(place, totals, [&](const auto& use) { block.use(sums, use); });
    place.advance();
  }
#endif

  __device__ WeightOperand<kKind, kOperand> load(const Stage& stage) const {
    barrier_wait(full_ + 8 * stage.index, stage.parity);
    const int warpgroup = threadIdx.x / kWarpgroupThreads;
    WeightOperand<kKind, kOperand> weight;
    weight.load(memory_ + stage.index * kStageBytes + warpgroup * kTile, threadIdx.x % kWarpgroupThreads, tables_);
    return weight;
  }

  __device__ void finish(float (&sums)[kColumns / 2], const WeightOperand<kKind, kOperand>& weight,
                         const std::uint8_t* scales, const KeptPlace& place, float (&totals)[kColumns / 2]) {
    use_sums(place, totals, [&](const auto& use) { use_block<kKind, kOperand, kColumns>(sums, weight, scales, use); });
  }

  // each(use) calls use(index, sum, scale) for all of a thread's sums.
  template <class Each>
  __device__ void use_sums(const KeptPlace& place, float (&totals)[kColumns / 2], const Each& each) {
    if (shape_.cluster == 1)
      return each([&](int index, float sum, float scale) { totals[index] = fmaf(sum, scale, totals[index]); });
    each([&](int index, float sum, float scale) { kept_.store(place, index, sum * scale); });  // exact: a power of two
  }

  const ProductWork& work_;
  const DecodeShape shape_;
  std::uint8_t* const memory_;
  std::uint8_t* const own_;  // [blocks of this block] packed rows
  const Kept kept_;
  const int rank_;
  const int first_;
  const int last_;
  const int place_;  // of the unit
  std::uint32_t full_;
  std::uint32_t empty_;
  const std::uint8_t* tables_ = nullptr;
  ProductUnit unit_;
};

template <TileKind kKind, Operand kOperand, int kColumns, OwnPacking kPacking>
__global__ void __launch_bounds__(kDecodeThreads, resident_blocks(kKind, kOperand, kColumns))
    decode_product(const __grid_constant__ ProductWork work, const DecodeShape shape) {
  extern __shared__ __align__(128) std::uint8_t memory[];
  DecodeProduct<kKind, kOperand, kColumns, kPacking>(work, shape, memory, blockIdx.x).run();
}

}  // namespace fathom::cuda
