// Products of few rows: the time of reading the weights once. A thread block takes 128 outputs and a stretch of their
// inputs; the blocks of a cluster share the stretches and hand every sum over 128 inputs to the block that owns its
// output, which adds them at the end in the order of the inputs.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/cluster.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_block.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/product_sums.cuh"
#include "fathom/backends/cuda/kernels/product_unit.cuh"

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

// What a block packs itself: its share of its rows, or of SwiGLU of them; it then lies behind the stages.
enum class OwnPacking : std::uint8_t { none, rows, swiglu };

template <TileKind kKind, Operand kOperand, int kColumns, OwnPacking kPacking>
class DecodeProduct {
 public:
  static constexpr bool kPacks = kPacking != OwnPacking::none;
  static constexpr int kBlockBytes = block_bytes(kOperand, kColumns);
  static constexpr int kStageBytes = decode_stage_bytes(kKind, kOperand, kColumns, kPacks);
  static constexpr int kTile = tile_bytes(kKind);
  static constexpr int kScalesAt = kColumns * kBlockInputs * operand_bytes(kOperand);
  static constexpr int kChunkRows = kColumns / columns_of_row(kOperand);
  static constexpr bool kAhead = widens_ahead(kKind, kOperand, kColumns);

  // `place`: of the block among those of this work.
  __device__ DecodeProduct(const ProductWork& work, const DecodeShape& shape, std::uint8_t* memory, unsigned place)
      : work_(work),
        shape_(shape),
        memory_(memory),
        kept_(reinterpret_cast<float*>(memory + shape.stages * kStageBytes)),
        rank_(static_cast<int>(place % static_cast<unsigned>(shape.cluster))),
        first_(first_block(rank_, shape.cluster, work.weight_blocks)),
        last_(first_block(rank_ + 1, shape.cluster, work.weight_blocks)),
        place_(static_cast<int>(place / static_cast<unsigned>(shape.cluster))) {
    const int kept = kept_bytes(kOperand, shape.kept_rows, shape.cluster, work.weight_blocks);
    own_ = memory + shape.stages * kStageBytes + kept;
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
    } else {
      if (shared) cluster_wait();  // the others are there to be written to
      if constexpr (kPacks) {
        pack_own_rows();
      } else {
        wait_for_earlier_kernels();
      }
      compute();
    }
    if (!shared) return;
    cluster_arrive();
    cluster_wait();
    if (threadIdx.x < kDecodeConsumers) add_kept();
  }

 private:
  __device__ void prepare() {
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < shape_.stages; ++stage) {
        barrier_init(full_ + 8 * stage, copy_arrivals());
        barrier_init(empty_ + 8 * stage, kDecodeConsumers / 32);
      }
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
    wait_for_earlier_kernels();
    stage = {};
    for (int block = first_; block < last_; ++block) {
      if (block >= ahead) {
        barrier_wait(empty_ + 8 * stage.index, stage.parity ^ 1);
        copy_weights(stage, block);
      }
      copy_activations(stage, block);
      stage.advance(shape_.stages);
    }
  }

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

  // A warp takes some blocks of inputs of a row. Where the first one lies is read before the rows are waited for, where
  // it is known then.
  __device__ void pack_own_rows() const {
    constexpr int kWarps = kDecodeConsumers / 32;
    constexpr int kAtOnce = 2;
    const int first_own = x_block(first_);
    const int last_own = first_ < last_ ? x_block(last_ - 1) + 1 : first_own;
    const bool known = kPacking == OwnPacking::swiglu && work_.items_known != 0;
    OwnRow own = {};
    if (known) own = own_row(0);
    wait_for_earlier_kernels();
    for (int row = 0; row < unit_.rows; ++row) {
      if (!known || row > 0) own = own_row(row);
      for (int first = first_own + threadIdx.x / 32; first < last_own; first += kWarps * kAtOnce) {
        float4 x[kAtOnce];
#pragma unroll
        for (int turn = 0; turn < kAtOnce; ++turn)
          if (first + turn * kWarps < last_own) x[turn] = own_values(own, first + turn * kWarps);
#pragma unroll
        for (int turn = 0; turn < kAtOnce; ++turn) {
          if (first + turn * kWarps >= last_own) continue;
          std::uint8_t* block = own_ + (first + turn * kWarps - first_own) * kBlockBytes;
          pack_block<kOperand>({block, reinterpret_cast<float*>(block + kScalesAt), row}, kChunkRows, x[turn]);
        }
      }
    }
    fence_stores();
    asm volatile("bar.sync 1, %0;" ::"n"(kDecodeConsumers) : "memory");
  }

  struct OwnRow {
    const float* x;
    const float* up;
    float weight;
  };

  // Not through the first-level cache: see product_unit.
  __device__ OwnRow own_row(int row_of_chunk) const {
    const OwnRows& own = work_.own;
    const int packed_row = unit_.first_row + row_of_chunk;
    const int slot = own.slots != nullptr ? __ldcg(own.slots + packed_row) : packed_row;
    constexpr bool kSwiglu = kPacking == OwnPacking::swiglu;
    const std::int64_t row =
        kSwiglu || (own.slots_of_row == 1 && own.slots == nullptr) ? packed_row : slot / own.slots_of_row;
    return {.x = unit_.own_rows + row * own.row_stride,
            .up = kSwiglu ? own.up + row * own.row_stride : nullptr,
            .weight = kSwiglu && own.weights != nullptr ? __ldcg(own.weights + slot) : 1.0F};
  }

  // A lane's four inputs of a block.
  __device__ float4 own_values(const OwnRow& row, int block) const {
    const OwnRows& own = work_.own;
    const int input = block * kBlockInputs + 4 * (threadIdx.x % 32);
    const float4 x = four(row.x, input, own.in, own.aligned != 0);
    if constexpr (kPacking != OwnPacking::swiglu) return x;
    return swiglu(x, four(row.up, input, own.in, own.aligned != 0), own.limit, row.weight);
  }

  // While the tensor core is at a block, the next one is widened. Without a second tile the second warpgroup repeats
  // the first: no branch may stand between a product's start and its wait.
  __device__ void compute() {
    float totals[kColumns / 2] = {};
    if (first_ < last_) add_blocks(totals);
    if (shape_.cluster > 1) return;
    const int row = unit_row();
    use_rows<kOperand, kColumns>(totals, [&](int column, int half, float value) {
      if (column < unit_.rows && unit_.holds(row + 8 * half)) unit_.put(column, row + 8 * half, value);
    });
  }

  __device__ void add_blocks(float (&totals)[kColumns / 2]) {
    Stage stage;
    KeptSums kept = kept_sums();
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
      finish(sums, weight, x + kScalesAt + own_scales(), kept, totals);
      __syncwarp();
      if (threadIdx.x % 32 == 0) barrier_arrive(used);
      if (!kAhead && block + 1 < last_) next = load(stage);
      weight = next;
      kept.at += kept.step;
      if (++part == work_.parts) {
        part = 0;
        own += kBlockBytes;
      }
    }
  }

  __device__ WeightOperand<kKind, kOperand> load(const Stage& stage) const {
    barrier_wait(full_ + 8 * stage.index, stage.parity);
    const int warpgroup = threadIdx.x / kWarpgroupThreads;
    WeightOperand<kKind, kOperand> weight;
    weight.load(memory_ + stage.index * kStageBytes + warpgroup * kTile, threadIdx.x % kWarpgroupThreads, tables_);
    return weight;
  }

  // Where the block that owns this thread's outputs keeps their sums over a block of inputs. A warp's 16 outputs belong
  // to one block of the cluster.
  struct KeptSums {
    std::uint32_t at = 0;    // of the thread's first column
    std::uint32_t step = 0;  // to the next block of inputs
  };

  __device__ static int first_column() { return static_cast<int>(threadIdx.x) % 4 * 2; }

  // Columns of a row's second operand stand behind those of all its first ones.
  __device__ std::uint32_t column_at(int column) const {
    return 4 * (column / kChunkRows * shape_.kept_rows + column % kChunkRows) * kept_column(shape_.cluster);
  }

  __device__ KeptSums kept_sums() const {
    if (shape_.cluster == 1) return {};
    const int outputs = 128 / shape_.cluster;
    const int first_rank = cluster_rank() / shape_.cluster * shape_.cluster;  // a cluster can hold several units
    const std::uint32_t step = 4 * kept_columns() * kept_column(shape_.cluster);
    const std::uint32_t at = 4 * (unit_row() % outputs) + first_ * step + column_at(first_column());
    return {.at = address_in(shared_address(kept_) + at, first_rank + unit_row() / outputs % shape_.cluster),
            .step = step};
  }

  __device__ void finish(float (&sums)[kColumns / 2], const WeightOperand<kKind, kOperand>& weight,
                         const std::uint8_t* scales, const KeptSums& kept, float (&totals)[kColumns / 2]) {
    if (shape_.cluster == 1) {
      use_block<kKind, kOperand, kColumns>(sums, weight, scales, [&](int index, float sum, float scale) {
        totals[index] = fmaf(sum, scale, totals[index]);
      });
      return;
    }
    const int first_row = first_column() % kChunkRows;
    use_block<kKind, kOperand, kColumns>(sums, weight, scales, [&](int index, float sum, float scale) {
      const int further = index / 4 * 8 + index % 2;  // columns
      if (first_row + further % kChunkRows >= shape_.kept_rows) return;
      store_there(kept.at + column_at(further) + 32 * (index / 2 % 2), sum * scale);  // exact: a power of two
    });
  }

  __device__ int kept_columns() const { return shape_.kept_rows * columns_of_row(kOperand); }

  // The first of this thread's two outputs, among the unit's 128.
  __device__ static int unit_row() { return threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4; }

  __device__ void add_kept() const {
    const int outputs = 128 / shape_.cluster;
    const int column = kept_column(shape_.cluster);
    const int rows = min(shape_.kept_rows, unit_.rows);
    for (int place = threadIdx.x; place < outputs * rows; place += kDecodeConsumers) {
      const int output = rank_ * outputs + place % outputs;
      const int row = place / outputs;
      if (!unit_.holds(output)) continue;
      const float* sums = kept_ + row * column + place % outputs;
      float totals[2] = {0.0F, 0.0F};
#pragma unroll 8
      for (int block = 0; block < work_.weight_blocks; ++block)
#pragma unroll
        for (int part = 0; part < columns_of_row(kOperand); ++part)
          totals[part] += sums[(block * kept_columns() + part * shape_.kept_rows) * column];
      unit_.put(row, output, columns_of_row(kOperand) == 1 ? totals[0] : totals[0] + totals[1]);
    }
  }

  const ProductWork& work_;
  const DecodeShape shape_;
  std::uint8_t* const memory_;
  float* const kept_;
  std::uint8_t* own_;  // [blocks of this block] packed rows
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
