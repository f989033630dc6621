// Rows that a block of a product of few rows packs itself: its share of them, into its shared memory.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/awaited.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_block.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/product_unit.cuh"
#include "fathom/backends/cuda/kernels/row_columns.cuh"

namespace fathom::cuda {

// What a block packs itself: its rows, or SwiGLU of them; they then lie behind the stages. Or its rows, and what comes
// out as rows of the next product. Or a row that is read while the kernel ahead still runs (awaited_row.h), or its rows
// normed.
enum class OwnPacking : std::uint8_t { none, rows, swiglu, rows_and_sums, awaited, normed };

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
    if constexpr (kPacking == OwnPacking::normed) return pack_normed();
    if constexpr (kPacking == OwnPacking::awaited) return pack_awaited();
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
    meet();
  }

 private:
  __device__ static void meet() {
    __syncwarp();  // lanes that have waited for something may have left each other
    asm volatile("bar.sync 1, %0;" ::"n"(kThreads) : "memory");
  }

  // The row's squares are summed as rms_norm does, and not contracted, as they would be in decode_product.cu: a warp
  // has those of 512 inputs, and all join them. What is normed are the block's own inputs, two blocks a warp at most.
  __device__ void pack_normed() const {
    constexpr int kWarps = kThreads / 32;
    constexpr int kAtOnce = 2;
    constexpr int kBlockBytes = block_bytes(kOperand, kColumns);
    constexpr int kScalesAt = kColumns * kBlockInputs * operand_bytes(kOperand);
    static_assert(kNormGroup == kSumStep * kSumColumns &&
                  kMostNormGroups * kNormGroup <= kWarps * kAtOnce * kBlockInputs);
    __shared__ float sums[kMostNormGroups * kSumColumns];
    const OwnRows& own = work_.own;
    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const int groups = own.in / kNormGroup;
    int blocks[kAtOnce];
    float4 weights[kAtOnce];
#pragma unroll
    for (int turn = 0; turn < kAtOnce; ++turn) {
      blocks[turn] = first_ + warp + turn * kWarps;
      if (blocks[turn] < last_) weights[turn] = four(own.norm, blocks[turn] * kBlockInputs + 4 * lane, own.in, false);
    }
    wait_for_earlier_kernels();
    for (int row = 0; row < unit_.rows; ++row) {
      const float* x = unit_.own_rows + std::int64_t{unit_.first_row + row} * own.row_stride;
      float4 values[kAtOnce];
#pragma unroll
      for (int turn = 0; turn < kAtOnce; ++turn)
        if (blocks[turn] < last_)
          values[turn] = four(x, blocks[turn] * kBlockInputs + 4 * lane, own.in, own.aligned != 0);
      if (row > 0) meet();  // the sums of the row before have been read
      if (warp < groups) {
        float lines[kSumStep];
#pragma unroll
        for (int line = 0; line < kSumStep; ++line) lines[line] = x[warp * kNormGroup + line * kSumColumns + lane];
        sums[warp * kSumColumns + lane] =
            sum_of_rows(0, kSumStep, [&](std::int64_t line) { return __fmul_rn(lines[line], lines[line]); });
      }
      meet();
      const float squares = joined_few<kMostNormGroups>(sums, groups);
      const float scale = inverse_rms(squares, own.in, own.limit);
#pragma unroll
      for (int turn = 0; turn < kAtOnce; ++turn) {
        if (blocks[turn] >= last_) continue;
        const float4& weight = weights[turn];
        const float4 normed = {values[turn].x * scale * weight.x, values[turn].y * scale * weight.y,
                               values[turn].z * scale * weight.z, values[turn].w * scale * weight.w};
        std::uint8_t* block = to_ + (blocks[turn] - first_) * kBlockBytes;
        pack_block<kOperand>({block, reinterpret_cast<float*>(block + kScalesAt), row},
                             kColumns / columns_of_row(kOperand), normed);
      }
    }
    fence_stores();
    meet();
  }

  struct OwnRow {
    const float* x;
    const float* up;
    float weight;
  };

  // The awaited row, by a warp a block of its inputs.
  __device__ void pack_awaited() const {
    constexpr int kBlockBytes = block_bytes(kOperand, kColumns);
    constexpr int kScalesAt = kColumns * kBlockInputs * operand_bytes(kOperand);
    const AwaitedRow& awaited = work_.own.awaited;
    const std::uint32_t launch = launch_of(awaited);
    const int lane = threadIdx.x % 32;
    if (threadIdx.x == 0) await_soon(awaited);
    meet();
#pragma unroll 1
    for (int block = first_ + static_cast<int>(threadIdx.x) / 32; block < last_; block += kThreads / 32) {
      std::uint8_t* to = to_ + (block - first_) * kBlockBytes;
      const Column column = {to, reinterpret_cast<float*>(to + kScalesAt), 0};
      if constexpr (kOperand == Operand::e4m3) {
        std::uint64_t codes = 0;
        await([&] {
          codes = read_there(awaited.numbers + kAwaitedCodes + block * (kBlockInputs / 4) + lane);
          return are_codes_of(codes, launch);
        });
        write_word<Operand::e4m3>(column, 4 * lane, static_cast<std::uint32_t>(codes));
        if (lane == 0) column.scales[0] = scale_of(codes);
      } else {
        const std::uint64_t* from = awaited.numbers + awaited_float(block * kBlockInputs + 4 * lane);
        constexpr std::int64_t kSecond = awaited_float(2) - awaited_float(0);
        std::uint64_t low[2];
        std::uint64_t high[2];
        await([&] {
          read_there(from, low);
          read_there(from + kSecond, high);
          return is_of(low[0], launch) && is_of(low[1], launch) && is_of(high[0], launch) && is_of(high[1], launch);
        });
        __syncwarp();
        pack_block<kOperand>(column, kColumns / columns_of_row(kOperand),
                             {value_of(low[0]), value_of(low[1]), value_of(high[0]), value_of(high[1])});
      }
    }
    fence_stores();
    meet();
  }

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
