// A thread's share of a weight tile in shared memory, widened into the first operand of the matrix instruction: FP4 and
// FP8 as e4m3 or binary16, without rounding. Powers of two that the operand leaves out stand in the rows' scales.
#pragma once

#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/product_layout.h"

namespace fathom::cuda {

// Two e4m3 bytes to two binary16.
__device__ inline std::uint32_t widen_e4m3(std::uint32_t pair) {
  const __half2_raw halves = __nv_cvt_fp8x2_to_halfraw2(static_cast<__nv_fp8x2_storage_t>(pair), __NV_E4M3);
  return static_cast<std::uint32_t>(halves.x) | (static_cast<std::uint32_t>(halves.y) << 16);
}

// The eight magnitudes of FP4 as bytes: e4m3 codes, or the upper bytes of binary16, each divided by 2^below.
struct alignas(8) MagnitudeTable {
  std::uint32_t low;   // 0, .5, 1, 1.5
  std::uint32_t high;  // 2, 3, 4, 6
};
inline constexpr int kMagnitudeTables = kLowestGroup + 1;

template <Operand kOperand>
__device__ inline MagnitudeTable magnitude_table(std::uint32_t below) {
  if (below >= (kOperand == Operand::e4m3 ? kLowestGroupE4m3 : kLowestGroup)) return {0, 0};
  if constexpr (kOperand == Operand::e4m3)  // exponents from bit 3, lifted by 2^6
    return {0x6c686000U - below * 0x08080800U, 0x7c787470U - below * 0x08080808U};
  // Exponents from bit 2, lifted by 2^12.
  return {0x6e6c6800U - below * 0x04040400U, 0x76747270U - below * 0x04040404U};
}

// The tables that a block's warps look up, in its shared memory; the block must meet before they are read.
template <TileKind kKind, Operand kOperand>
__device__ inline const std::uint8_t* fill_magnitude_tables() {
  if constexpr (kKind != TileKind::fp4) return nullptr;
  __shared__ MagnitudeTable tables[kMagnitudeTables];
  if (threadIdx.x < kMagnitudeTables) tables[threadIdx.x] = magnitude_table<kOperand>(threadIdx.x);
  return reinterpret_cast<const std::uint8_t*>(tables);
}

// Eight signed bytes of a word of eight FP4 codes (weight_tile.h): run 0, then run 1.
__device__ inline void expand_fp4(std::uint32_t word, const MagnitudeTable& table, std::uint32_t& run0,
                                  std::uint32_t& run1) {
  std::uint32_t magnitudes = word & 0x77777777U;
  asm("" : "+r"(magnitudes));  // else the halves are masked apart, which is an operation more
  run0 = __byte_perm(table.low, table.high, magnitudes) | (word & 0x80808080U);
  run1 = __byte_perm(table.low, table.high, magnitudes >> 16) | ((word << 4) & 0x80808080U);
}

template <TileKind kKind, Operand kOperand>
struct WeightOperand {
  static constexpr int kSteps = kBlockInputs * operand_bytes(kOperand) / 32;
  static constexpr bool kRowsShareScale = kKind == TileKind::fp8;

  std::uint32_t a[kSteps][4];
  float scale[2];  // rows g and g + 8

  // `thread` of the warpgroup's 128; `tables` are fill_magnitude_tables'.
  __device__ void load(const std::uint8_t* tile, int thread, const std::uint8_t* tables) {
    const int row = thread / 32 * 16 + thread % 32 / 4;
    load_codes(tile, thread, row, tables);
    const std::uint8_t* exponents = tile + codes_bytes(kKind) + group_bytes(kKind);
    constexpr float kLift = kKind != TileKind::fp4 ? 1.0F : kOperand == Operand::e4m3 ? 0x1p-6F : 0x1p-12F;
    for (int half = 0; half < 2; ++half)
      scale[half] = __uint_as_float(static_cast<std::uint32_t>(exponents[row + 8 * half]) << 23) * kLift;
  }

  // After the wait for products that read these registers: the compiler takes a product's operands for read when it is
  // issued, and would give their registers to the next values while the tensor core still fetches them.
  __device__ void hold() const {
#pragma unroll
    for (int step = 0; step < kSteps; ++step)
#pragma unroll
      for (int word = 0; word < 4; ++word) asm volatile("" ::"r"(a[step][word]));
  }

 private:
  __device__ void load_codes(const std::uint8_t* tile, int thread, int row, const std::uint8_t* tables) {
    const auto* words = reinterpret_cast<const uint4*>(tile) + thread;
    if constexpr (kKind == TileKind::fp4) {
      const auto* groups = reinterpret_cast<const std::uint32_t*>(tile + codes_bytes(kKind));
      const std::uint32_t below[2] = {groups[row], groups[row + 8]};
#pragma unroll
      for (int pair = 0; pair < 2; ++pair) {
        const uint4 codes = words[pair * kWarpgroupThreads];
        fp4_step(2 * pair, codes.x, codes.y, below, tables);
        fp4_step(2 * pair + 1, codes.z, codes.w, below, tables);
      }
    } else if constexpr (kKind == TileKind::fp8) {
#pragma unroll
      for (int step = 0; step < 4; ++step) {
        const uint4 codes = words[step * kWarpgroupThreads];
        const std::uint32_t run0[2] = {codes.x, codes.y};
        const std::uint32_t run1[2] = {codes.z, codes.w};
        fp8_step(step, run0, run1);
      }
    } else {
#pragma unroll
      for (int step = 0; step < 8; ++step) {
        const uint4 halves = words[step * kWarpgroupThreads];
        a[step][0] = halves.x;
        a[step][1] = halves.y;
        a[step][2] = halves.z;
        a[step][3] = halves.w;
      }
    }
  }

  // A byte of `below` is eight times its group's place, which is where its table lies.
  __device__ static const MagnitudeTable& table_of(const std::uint8_t* tables, std::uint32_t below, int step) {
    return *reinterpret_cast<const MagnitudeTable*>(tables + __byte_perm(below, 0, 0x4440 + step));
  }

  __device__ void fp4_step(int step, std::uint32_t word0, std::uint32_t word1, const std::uint32_t (&below)[2],
                           const std::uint8_t* tables) {
    std::uint32_t run0[2];
    std::uint32_t run1[2];
    expand_fp4(word0, table_of(tables, below[0], step), run0[0], run1[0]);
    expand_fp4(word1, table_of(tables, below[1], step), run0[1], run1[1]);
    if constexpr (kOperand == Operand::e4m3) {
      a[step][0] = run0[0];
      a[step][1] = run0[1];
      a[step][2] = run1[0];
      a[step][3] = run1[1];
    } else {
#pragma unroll
      for (int half = 0; half < 2; ++half) {  // each byte is the upper one of a binary16
        a[2 * step][half] = __byte_perm(run0[half], 0, 0x1404);
        a[2 * step][half + 2] = __byte_perm(run0[half], 0, 0x3424);
        a[2 * step + 1][half] = __byte_perm(run1[half], 0, 0x1404);
        a[2 * step + 1][half + 2] = __byte_perm(run1[half], 0, 0x3424);
      }
    }
  }

  __device__ void fp8_step(int step, const std::uint32_t (&run0)[2], const std::uint32_t (&run1)[2]) {
    if constexpr (kOperand == Operand::e4m3) {
      a[step][0] = run0[0];
      a[step][1] = run0[1];
      a[step][2] = run1[0];
      a[step][3] = run1[1];
    } else {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        a[2 * step][half] = widen_e4m3(run0[half] & 0xffffU);
        a[2 * step][half + 2] = widen_e4m3(run0[half] >> 16);
        a[2 * step + 1][half] = widen_e4m3(run1[half] & 0xffffU);
        a[2 * step + 1][half + 2] = widen_e4m3(run1[half] >> 16);
      }
    }
  }
};

}  // namespace fathom::cuda
