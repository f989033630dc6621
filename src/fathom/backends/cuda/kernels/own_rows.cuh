// Rows that a block of a product of few rows packs itself: its share of them, into its shared memory.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_block.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_unit.cuh"

namespace fathom::cuda {

// What a block packs itself: its rows, or SwiGLU of them; they then lie behind the stages. Or its rows, and what comes
// out as rows of the next product.
enum class OwnPacking : std::uint8_t { none, rows, swiglu, rows_and_sums };

// Blocks of inputs [first, last), by kThreads threads.
template <Operand kOperand, int kColumns, OwnPacking kPacking, int kThreads>
class OwnRowsOfBlock {
 public:
  __device__ OwnRowsOfBlock(const ProductWork& work, const ProductUnit& unit, std::uint8_t* to, int first, int last)
      : work_(work), unit_(unit), to_(to), first_(first), last_(last) {}

  // A warp takes some blocks of inputs of a row. Where the first one lies is read before the rows are waited for, where
  // it is known then.
  __device__ void pack() const {
    constexpr int kWarps = kThreads / 32;
    constexpr int kAtOnce = 2;
    constexpr int kBlockBytes = block_bytes(kOperand, kColumns);
    constexpr int kScalesAt = kColumns * kBlockInputs * operand_bytes(kOperand);
    constexpr int kChunkRows = kColumns / columns_of_row(kOperand);
    const bool known = kPacking == OwnPacking::swiglu && work_.items_known != 0;
    OwnRow own = {};
    if (known) own = own_row(0);
    wait_for_earlier_kernels();
    for (int row = 0; row < unit_.rows; ++row) {
      if (!known || row > 0) own = own_row(row);
      for (int first = first_ + static_cast<int>(threadIdx.x) / 32; first < last_; first += kWarps * kAtOnce) {
        float4 x[kAtOnce];
#pragma unroll
        for (int turn = 0; turn < kAtOnce; ++turn)
          if (first + turn * kWarps < last_) x[turn] = values(own, first + turn * kWarps);
#pragma unroll
        for (int turn = 0; turn < kAtOnce; ++turn) {
          if (first + turn * kWarps >= last_) continue;
          std::uint8_t* block = to_ + (first + turn * kWarps - first_) * kBlockBytes;
          pack_block<kOperand>({block, reinterpret_cast<float*>(block + kScalesAt), row}, kChunkRows, x[turn]);
        }
      }
    }
    fence_stores();
    asm volatile("bar.sync 1, %0;" ::"n"(kThreads) : "memory");
  }

 private:
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
  __device__ float4 values(const OwnRow& row, int block) const {
    const OwnRows& own = work_.own;
    const int input = block * kBlockInputs + 4 * (threadIdx.x % 32);
    const float4 x = four(row.x, input, own.in, own.aligned != 0);
    if constexpr (kPacking != OwnPacking::swiglu) return x;
    return swiglu(x, four(row.up, input, own.in, own.aligned != 0), own.limit, row.weight);
  }

  const ProductWork& work_;
  const ProductUnit& unit_;
  std::uint8_t* const to_;  // packed rows
  const int first_;
  const int last_;
};

}  // namespace fathom::cuda
