// Products of few rows: the time of reading the weights once. A thread block takes 128 outputs and a stretch of their
// inputs; the blocks of a cluster share the stretches, keep the sums over 128 inputs apart, and add them at the end in
// the order of the inputs, each block some of the outputs, out of one another's shared memory.
#pragma once

#include <cstdint>

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

__device__ inline int cluster_rank() {
  std::uint32_t rank = 0;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return static_cast<int>(rank);
}

__device__ inline void cluster_barrier() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

// A float of another block's shared memory, at the place that `address` is in this block's.
__device__ inline float cluster_float(std::uint32_t address, int rank) {
  float value = 0.0F;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("{\n.reg .b32 there;\nmapa.shared::cluster.u32 there, %1, %2;\nld.shared::cluster.f32 %0, [there];\n}"
               : "=f"(value)
               : "r"(address), "r"(rank)
               : "memory");
#endif
  return value;
}

template <TileKind kKind, Operand kOperand, int kColumns>
class DecodeProduct {
 public:
  static constexpr int kStageBytes = decode_stage_bytes(kKind, kOperand, kColumns);
  static constexpr int kBlockBytes = block_bytes(kOperand, kColumns);
  static constexpr int kChunkRows = kColumns / columns_of_row(kOperand);

  __device__ DecodeProduct(const ProductWork& work, const DecodeShape& shape, std::uint8_t* memory)
      : work_(work),
        shape_(shape),
        memory_(memory),
        kept_(reinterpret_cast<float*>(memory + shape.stages * kStageBytes)),
        rank_(shape.cluster == 1 ? 0 : cluster_rank()),
        first_(first_block(rank_, shape.cluster, work.weight_blocks)),
        last_(first_block(rank_ + 1, shape.cluster, work.weight_blocks)) {
    const int kept = kept_bytes(kColumns, shape.cluster, work.weight_blocks);
    full_ = shared_address(memory + shape.stages * kStageBytes + kept);
    empty_ = full_ + 8 * shape.stages;
    unit_ = product_unit(work, {tile_bytes(kKind), kBlockBytes, kChunkRows}, blockIdx.x / shape.cluster);
  }

  __device__ void run() {
    if (!unit_.exists) return;  // the whole cluster alike
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < shape_.stages; ++stage) {
        barrier_init(full_ + 8 * stage, copy_arrivals());
        barrier_init(empty_ + 8 * stage, kDecodeConsumers / 32);
      }
      fence_barriers();
    }
    __syncthreads();
    if (threadIdx.x >= kDecodeConsumers) {
      copy();
    } else {
      compute();
    }
    if (shape_.cluster == 1) return;
    cluster_barrier();
    if (threadIdx.x < kDecodeConsumers) add_kept();
    cluster_barrier();  // nobody leaves while its sums are read
  }

 private:
  __device__ void copy() const {
    const int lane = threadIdx.x % 32;
    constexpr int kTile = tile_bytes(kKind);
    const bool both = unit_.tiles[1] != nullptr;
    const std::uint32_t memory = shared_address(memory_);
    Stage stage;
    for (int block = first_; block < last_; ++block) {
      barrier_wait(empty_ + 8 * stage.index, stage.parity ^ 1);
      const std::uint32_t full = full_ + 8 * stage.index;
      const std::uint32_t to = memory + stage.index * kStageBytes;
      expect_bytes(full, (both ? 2 : 1) * kTile + kBlockBytes, lane);
      copy_bytes(to, unit_.tiles[0] + std::int64_t{block} * kTile, kTile, full, lane);
      if (both) copy_bytes(to + kTile, unit_.tiles[1] + std::int64_t{block} * kTile, kTile, full, lane);
      copy_bytes(to + 2 * kTile, unit_.x + std::int64_t{block / work_.parts} * kBlockBytes, kBlockBytes, full, lane);
      copies_issued(full);
      stage.advance(shape_.stages);
    }
  }

  __device__ void compute() {
    const int warpgroup = threadIdx.x / kWarpgroupThreads;
    const int thread = threadIdx.x % kWarpgroupThreads;
    const bool present = warpgroup == 0 || unit_.tiles[1] != nullptr;
    float totals[kColumns / 2] = {};
    Stage stage;
    for (int block = first_; block < last_; ++block) {
      barrier_wait(full_ + 8 * stage.index, stage.parity);
      if (present) {
        const std::uint8_t* at = memory_ + stage.index * kStageBytes;
        WeightOperand<kKind, kOperand> weight;
        weight.load(at + warpgroup * tile_bytes(kKind), thread);
        float sums[kColumns / 2];
        const std::uint8_t* x = at + 2 * tile_bytes(kKind);
        start_block<kKind, kOperand, kColumns>(sums, weight, shared_address(x));
        wait_products<0>();
        const auto* scales = reinterpret_cast<const float*>(x + kColumns * kBlockInputs * operand_bytes(kOperand));
        finish(sums, weight, scales, block, totals);
      }
      __syncwarp();
      if (threadIdx.x % 32 == 0) barrier_arrive(empty_ + 8 * stage.index);
      stage.advance(shape_.stages);
    }
    if (shape_.cluster > 1 || !present) return;
    const int row = unit_row();
    use_rows<kOperand, kColumns>(totals, [&](int column, int half, float value) {
      if (column < unit_.rows && unit_.holds(row + 8 * half))
        unit_.out[column * unit_.row_stride + row + 8 * half] = value;
    });
  }

  __device__ void finish(float (&sums)[kColumns / 2], const WeightOperand<kKind, kOperand>& weight,
                         const float* scales, int block, float (&totals)[kColumns / 2]) {
    if (shape_.cluster == 1) {
      use_block<kKind, kOperand, kColumns>(sums, weight, scales, [&](int index, float sum, float scale) {
        totals[index] = fmaf(sum, scale, totals[index]);
      });
      return;
    }
    float* kept = kept_ + (block - first_) * kColumns * kKeptColumn + threadIdx.x % 4 * 2 * kKeptColumn + unit_row();
    use_block<kKind, kOperand, kColumns>(sums, weight, scales, [&](int index, float sum, float scale) {
      kept[(index / 4 * 8 + index % 2) * kKeptColumn + 8 * (index / 2 % 2)] = sum * scale;  // exact: a power of two
    });
  }

  // The first of this thread's two outputs, among the unit's 128.
  __device__ static int unit_row() { return threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4; }

  __device__ void add_kept() const {
    const std::uint32_t kept = shared_address(kept_);
    const int rows = min(kChunkRows, unit_.rows);
    for (int place = rank_ * kDecodeConsumers + threadIdx.x; place < 128 * rows;
         place += shape_.cluster * kDecodeConsumers) {
      const int output = place % 128;
      const int row = place / 128;
      if (!unit_.holds(output)) continue;
      float totals[2] = {0.0F, 0.0F};
      for (int rank = 0; rank < shape_.cluster; ++rank) {
        const int blocks = first_block(rank + 1, shape_.cluster, work_.weight_blocks) -
                           first_block(rank, shape_.cluster, work_.weight_blocks);
#pragma unroll 4
        for (int block = 0; block < blocks; ++block)
#pragma unroll
          for (int part = 0; part < columns_of_row(kOperand); ++part)
            totals[part] +=
                cluster_float(kept + 4 * ((block * kColumns + row + part * kChunkRows) * kKeptColumn + output), rank);
      }
      unit_.out[row * unit_.row_stride + output] =
          columns_of_row(kOperand) == 1 ? totals[0] : totals[0] + totals[1];
    }
  }

  const ProductWork& work_;
  const DecodeShape shape_;
  std::uint8_t* const memory_;
  float* const kept_;
  const int rank_;
  const int first_;
  const int last_;
  std::uint32_t full_;
  std::uint32_t empty_;
  ProductUnit unit_;
};

template <TileKind kKind, Operand kOperand, int kColumns>
__global__ void __launch_bounds__(kDecodeThreads, 2)
    decode_product(const __grid_constant__ ProductWork work, const DecodeShape shape) {
  extern __shared__ __align__(128) std::uint8_t memory[];
  DecodeProduct<kKind, kOperand, kColumns>(work, shape, memory).run();
}

}  // namespace fathom::cuda
