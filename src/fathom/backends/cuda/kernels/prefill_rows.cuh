// A unit's sums as rows of float32, as they are or added to what is there.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/prefill_blocks.cuh"
#include "fathom/backends/cuda/kernels/product_unit.cuh"

namespace fathom::cuda {

inline constexpr int kPrefillConsumers = 256;  // two warpgroups, a tile of outputs each

template <TileKind kKind, Operand kOperand>
struct PrefillRows {
  using Layout = PrefillLayout<kKind, kOperand>;
  static constexpr int kChunkRows = Layout::kChunkRows;
  static constexpr int kSums = Layout::kSums;

  template <int kCount>
  __device__ static void take(const ProductUnit& unit, const float (&totals)[kCount][kSums]) {
    if constexpr (kWritesFours)
      if (!unit.adds && is_whole(unit)) return write_fours(unit, totals);
    unit.adds ? write<true>(unit, totals) : write<false>(unit, totals);
  }

 private:
#ifdef FATHOM_WARPGROUP_PRODUCTS
  static constexpr bool kWritesFours = writes_fours(kKind, kOperand);
#else
  static constexpr bool kWritesFours = false;
#endif

  __device__ static bool is_whole(const ProductUnit& unit) {
    return unit.first_output <= 0 && unit.last_output >= 2 * kTileRows && unit.row_stride % 4 == 0 &&
           reinterpret_cast<std::uintptr_t>(unit.out) % sizeof(float4) == 0;
  }

  // Sixteen rows at a time through shared memory of the warp's own, where rows lie so far apart that neither way meets
  // a bank twice: a lane is left with four outputs of a row, and a warp writes 64 bytes of eight rows at once.
  static constexpr int kStagedRows = 16;
  static constexpr int kStagedStep = 20;
  __device__ static float* staged_rows(int warp) {
    __shared__ __align__(16) float staged[kPrefillConsumers / 32][kStagedRows * kStagedStep];
    static_assert(sizeof(staged) <= kFoursBytes);
    return staged[warp];
  }
  template <int kCount>
  __device__ static void write_fours(const ProductUnit& unit, const float (&totals)[kCount][kSums]) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const int own_row = lane / 4 % 2 * 4 + lane / 8;
    float* const put = staged_rows(warp) + 2 * (lane % 4) * kStagedStep + lane / 4;
    const float* const get = staged_rows(warp) + own_row * kStagedStep + 4 * (lane % 4);
    float* out = unit.out + own_row * unit.row_stride + 16 * warp + 4 * (lane % 4);
    __builtin_assume(__isGlobal(out));
    const std::int64_t eight_rows = 8 * unit.row_stride;
    const int rows = unit.rows - own_row;
    Layout::template for_chunks<kCount, 0>([&](auto chunk) {
#pragma unroll
      for (int piece = 0; piece < Layout::columns_of(chunk) / kStagedRows; ++piece) {
        const float* const sums = &totals[chunk][piece * kStagedRows / 2];
        __syncwarp();
#pragma unroll
        for (int index = 0; index < kStagedRows / 2; ++index)
          put[(index / 4 * 8 + index % 2) * kStagedStep + index / 2 % 2 * 8] = sums[index];
        __syncwarp();
#pragma unroll
        for (int eight = 0; eight < kStagedRows / 8; ++eight) {
          const float4 four = *reinterpret_cast<const float4*>(get + eight * 8 * kStagedStep);
          if (chunk * kChunkRows + piece * kStagedRows + eight * 8 < rows) *reinterpret_cast<float4*>(out) = four;
          out += eight_rows;
        }
      }
    });
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
    Layout::template for_chunks<kCount, 0>([&](auto chunk) {
      const auto& sums = Layout::template part_of<Layout::columns_of(chunk)>(totals[chunk]);
      const auto place = [&](int row, int half) { return out + (chunk * kChunkRows + row) * stride + 8 * half; };
      const auto held = [&](int row, int half) { return chunk * kChunkRows + row < rows && holds[half]; };
      if constexpr (kAdds) {
        float before[kSums];  // all are on their way before the first is added to
        int index = 0;
        use_rows<kOperand, Layout::columns_of(chunk)>(sums, [&](int row, int half, float /*value*/) {
          before[index++] = held(row, half) ? *place(row, half) : 0.0F;
        });
        index = 0;
        use_rows<kOperand, Layout::columns_of(chunk)>(sums, [&](int row, int half, float value) {
          if (held(row, half)) *place(row, half) = before[index] + value;
          ++index;
        });
      } else {
        use_rows<kOperand, Layout::columns_of(chunk)>(sums, [&](int row, int half, float value) {
          if (held(row, half)) *place(row, half) = value;
        });
      }
    });
  }
};

}  // namespace fathom::cuda
