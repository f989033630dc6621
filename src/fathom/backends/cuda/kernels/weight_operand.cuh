// A thread's share of a weight tile in shared memory, widened into the first operand of the matrix instruction: FP4 and
// FP8 as e4m3 or binary16, without rounding. Powers of two that the operand leaves out stand in the rows' scales.
#pragma once

#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/product_layout.h"
#include "fathom/backends/cuda/kernels/shared_address.cuh"

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

// __byte_perm would mask the codes once more.
__device__ inline std::uint32_t bytes_of(const MagnitudeTable& table, std::uint32_t codes) {
  std::uint32_t bytes;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(bytes) : "r"(table.low), "r"(table.high), "r"(codes));
  return bytes;
}

// Eight signed bytes of a word of eight FP4 codes (weight_tile.h): run 0, then run 1.
__device__ inline void expand_fp4(std::uint32_t word, const MagnitudeTable& table, std::uint32_t& run0,
                                  std::uint32_t& run1) {
  const std::uint32_t magnitudes = word & 0x77777777U;
  run0 = bytes_of(table, magnitudes) | (word & 0x80808080U);
  run1 = bytes_of(table, magnitudes >> 16) | ((word << 4) & 0x80808080U);
}

// Of an even tile (product_layout.h): the tables follow from a byte of `below` alone, without a way through shared
// memory. No code of such a tile lies 12 or more below.
__device__ inline MagnitudeTable even_table(std::uint32_t below, int step) {
  const std::uint32_t eighths = __byte_perm(below, 0, 0x4440 + step);  // 8 * below + kEvenTile
  return {(0x6c686000U + kEvenTile * 0x01010100U) - eighths * 0x01010100U,
          (0x7c787470U + kEvenTile * 0x01010101U) - eighths * 0x01010101U};
}

// One step of e4m3 as the first operand of the matrix instruction: 16 rows by 32 inputs of a warp, which lie in pieces
// of eight rows by 16 inputs. The lanes point to the rows of four of these, halves of rows first (operand_place).
__device__ inline uint4 load_operand(std::uint32_t address) {
  uint4 words;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
               : "r"(address));
  return words;
}
inline constexpr int kOperandStep = 256;  // bytes from one step to the next
// Of a thread of the warpgroup's 128 in 64 rows.
__device__ inline int operand_place(int thread) {
  return block_offset(Operand::e4m3, thread / 32 * 16 + thread % 16, thread % 32 / 16 * 16);
}

// Where in a tile that which a thread of the warpgroup's 128 holds lies, in bytes: its first codes, the groups (FP4)
// and the exponent of the first of its two rows. The second row is eight further.
struct TileShare {
  int codes;
  int groups;
  int exponents;
};
template <TileKind kKind>
__device__ inline TileShare tile_share(int thread) {
  const int row = thread / 32 * 16 + thread % 32 / 4;
  return {.codes = kKind == TileKind::fp8 ? operand_place(thread) : 16 * thread,
          .groups = codes_bytes(kKind) + 4 * row,
          .exponents = exponents_at(kKind) + row};
}

// What a thread holds of a tile before it is widened: half as many registers for FP4.
template <TileKind kKind>
struct TileCodes {
  static constexpr int kWords = codes_bytes(kKind) / 16 / kWarpgroupThreads;
  uint4 words[kWords];
  std::uint32_t below[2];      // FP4: of rows g and g + 8
  std::uint32_t exponents[2];  // of them

  __device__ void load(const std::uint8_t* tile, const TileShare& own) {
    meet();
#pragma unroll
    for (int word = 0; word < kWords; ++word) load_word(word, tile, own);
    load_below(tile, own);
  }
  // Ahead of the first word: lanes that leave a wait may lag, and they load for one another.
  __device__ static void meet() {
    if constexpr (kKind == TileKind::fp8) __syncwarp();
  }
  __device__ void load_word(int word, const std::uint8_t* tile, const TileShare& own) {
    if constexpr (kKind == TileKind::fp8) {
      words[word] = load_operand(shared_address(tile + own.codes + word * kOperandStep));
    } else {
      words[word] = *reinterpret_cast<const uint4*>(tile + own.codes + word * kWarpgroupThreads * 16);
    }
  }
  __device__ void load_below(const std::uint8_t* tile, const TileShare& own) {
#pragma unroll
    for (int half = 0; half < 2; ++half)
      if constexpr (kKind == TileKind::fp4)
        below[half] = *reinterpret_cast<const std::uint32_t*>(tile + own.groups + 32 * half);
  }
  __device__ void load_exponents(const std::uint8_t* tile, const TileShare& own) {
    exponents[0] = tile[own.exponents];
    exponents[1] = kKind == TileKind::fp8 ? exponents[0] : tile[own.exponents + 8];
  }
};

template <TileKind kKind, Operand kOperand>
struct WeightOperand {
  static constexpr int kSteps = kBlockInputs * operand_bytes(kOperand) / 32;
  static constexpr bool kRowsShareScale = kKind == TileKind::fp8;

  std::uint32_t a[kSteps][4];
  float scale[2];  // rows g and g + 8

  // `thread` of the warpgroup's 128; `tables` are fill_magnitude_tables'.
  __device__ void load(const std::uint8_t* tile, int thread, const std::uint8_t* tables) {
    const TileShare own = tile_share<kKind>(thread);
    TileCodes<kKind> codes;
    codes.load_below(tile, own);
    codes.meet();
#pragma unroll
    for (int word = 0; word < TileCodes<kKind>::kWords; ++word) {  // few registers at a time
      codes.load_word(word, tile, own);
      widen_word<false>(word, codes, tables);
    }
    codes.load_exponents(tile, own);
    take_scales(codes);
  }

  __device__ void take_scales(const TileCodes<kKind>& codes) {
    constexpr float kLift = kKind != TileKind::fp4 ? 1.0F : kOperand == Operand::e4m3 ? 0x1p-6F : 0x1p-12F;
#pragma unroll
    for (int half = 0; half < 2; ++half) scale[half] = __uint_as_float(codes.exponents[half] << 23) * kLift;
  }

  // With kEven of an even tile.
  template <bool kEven>
  __device__ void widen(const TileCodes<kKind>& codes, const std::uint8_t* tables) {
#pragma unroll
    for (int word = 0; word < TileCodes<kKind>::kWords; ++word) widen_word<kEven>(word, codes, tables);
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
  template <bool kEven>
  __device__ void widen_word(int word, const TileCodes<kKind>& codes, const std::uint8_t* tables) {
    const uint4& words = codes.words[word];
    if constexpr (kKind == TileKind::fp4) {
      const auto step = [&](int step, std::uint32_t word0, std::uint32_t word1) {
        const MagnitudeTable of_rows[2] = {table_of<kEven>(tables, codes.below[0], step),
                                           table_of<kEven>(tables, codes.below[1], step)};
        fp4_step(step, word0, word1, of_rows);
      };
      step(2 * word, words.x, words.y);
      step(2 * word + 1, words.z, words.w);
    } else if constexpr (kKind == TileKind::fp8) {
      fp8_step(word, words);
    } else {
      halves(word, words);
    }
  }

  // A byte of `below` is eight times its group's place, which is where its table lies.
  template <bool kEven>
  __device__ static MagnitudeTable table_of(const std::uint8_t* tables, std::uint32_t below, int step) {
    if constexpr (kEven) return even_table(below, step);
    const std::uint32_t place = __byte_perm(below & kPlacesOfGroups, 0, 0x4440 + step);
    return *reinterpret_cast<const MagnitudeTable*>(tables + place);
  }

  __device__ void halves(int step, const uint4& words) {
    a[step][0] = words.x;
    a[step][1] = words.y;
    a[step][2] = words.z;
    a[step][3] = words.w;
  }

  __device__ void fp4_step(int step, std::uint32_t word0, std::uint32_t word1, const MagnitudeTable (&tables)[2]) {
    std::uint32_t run0[2];
    std::uint32_t run1[2];
    expand_fp4(word0, tables[0], run0[0], run1[0]);
    expand_fp4(word1, tables[1], run0[1], run1[1]);
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

  __device__ void fp8_step(int step, const uint4& words) {
    if constexpr (kOperand == Operand::e4m3) {
      halves(step, words);
    } else {
      const std::uint32_t run0[2] = {words.x, words.y};
      const std::uint32_t run1[2] = {words.z, words.w};
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
