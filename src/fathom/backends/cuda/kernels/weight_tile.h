// One thread's share of a weight tile, from the weight as stored. The same code runs in the kernel that prepares a
// weight and, thread by thread, on the host for its tests.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "fathom/backends/cuda/kernels/product_layout.h"
#include "fathom/tensor/numbers.h"
#include "fathom/tensor/weight.h"

#ifdef __CUDACC__
#define FATHOM_HOST_DEVICE __host__ __device__
#else
#define FATHOM_HOST_DEVICE
#endif

namespace fathom::cuda {

// A WeightView whose bytes the code that runs can reach.
struct StoredWeight {
  WeightFormat format;
  std::int64_t out;
  std::int64_t in;
  const std::uint8_t* data;
  const std::uint8_t* scale;
  bool float_scale;
  std::int64_t scale_rows;
  std::int64_t scale_columns;
};

// The form that a stored weight is computed in: what no tile kind holds exactly is widened to float32.
struct TileForm {
  TileKind kind = TileKind::f16;
  int parts = 1;  // consecutive tiles of the same inputs, summed
};

constexpr TileForm tile_form(const WeightView& weight) {
  const bool powers = weight.scale_dtype == DType::f8_e8m0;
  if (weight.format == WeightFormat::fp4_group && powers && weight.scale_columns % 32 == 0)
    return {.kind = TileKind::fp4};
  if (weight.format == WeightFormat::fp8_block && powers && weight.scale_columns % kBlockInputs == 0 &&
      weight.scale_rows % kTileRows == 0)
    return {.kind = TileKind::fp8};
  if (weight.format == WeightFormat::bf16) return {.kind = TileKind::f16};
  return {.kind = TileKind::f16, .parts = 2};
}

inline StoredWeight stored_weight(const WeightView& view) {
  return {.format = view.format,
          .out = view.out,
          .in = view.in,
          .data = reinterpret_cast<const std::uint8_t*>(view.data.data()),
          .scale = reinterpret_cast<const std::uint8_t*>(view.scale.data()),
          .float_scale = view.scale_dtype == DType::f32,
          .scale_rows = view.scale_rows,
          .scale_columns = view.scale_columns};
}

FATHOM_HOST_DEVICE inline std::uint8_t scale_byte(const StoredWeight& weight, std::int64_t row, std::int64_t column) {
  const std::int64_t columns = (weight.in + weight.scale_columns - 1) / weight.scale_columns;
  return weight.scale[row / weight.scale_rows * columns + column / weight.scale_columns];
}

template <typename T>
FATHOM_HOST_DEVICE inline T stored_at(const std::uint8_t* bytes, std::int64_t index) {
  T value;
  auto* to = reinterpret_cast<std::uint8_t*>(&value);
  for (int byte = 0; byte < static_cast<int>(sizeof(T)); ++byte)
    to[byte] = bytes[index * static_cast<std::int64_t>(sizeof(T)) + byte];
  return value;
}

FATHOM_HOST_DEVICE inline std::uint8_t fp4_code(const StoredWeight& weight, std::int64_t row, std::int64_t column) {
  if (row >= weight.out || column >= weight.in) return 0;
  const std::uint8_t pair = weight.data[row * (weight.in / 2) + column / 2];
  return static_cast<std::uint8_t>((column & 1) != 0 ? pair >> 4 : pair & 15);
}

// e2m1_to_float reads a table, which lies on the host.
FATHOM_HOST_DEVICE inline float e2m1_value(std::uint8_t code) {
  const int exponent = code >> 1 & 3;
  const float half = (code & 1) != 0 ? 0.5F : 0.0F;
  const float magnitude = exponent == 0 ? half : (1.0F + half) * static_cast<float>(1 << (exponent - 1));
  return (code & 8) != 0 ? -magnitude : magnitude;
}

FATHOM_HOST_DEVICE inline float stored_value(const StoredWeight& weight, std::int64_t row, std::int64_t column) {
  if (row >= weight.out || column >= weight.in) return 0.0F;
  const std::int64_t index = row * weight.in + column;
  if (weight.format == WeightFormat::f32) return stored_at<float>(weight.data, index);
  if (weight.format == WeightFormat::bf16) return bf16_to_float(stored_at<std::uint16_t>(weight.data, index));
  const std::int64_t columns = (weight.in + weight.scale_columns - 1) / weight.scale_columns;
  const std::int64_t place = row / weight.scale_rows * columns + column / weight.scale_columns;
  const float scale = weight.float_scale ? stored_at<float>(weight.scale, place) : e8m0_to_float(weight.scale[place]);
  if (weight.format == WeightFormat::fp8_block) return e4m3_to_float(weight.data[index]) * scale;
  return e2m1_value(fp4_code(weight, row, column)) * scale;
}

// The exponent of the group of 32 from `column` on, -1 where it holds nothing.
FATHOM_HOST_DEVICE inline int fp4_group_exponent(const StoredWeight& weight, std::int64_t row, std::int64_t column) {
  for (int input = 0; input < 32; ++input)
    if ((fp4_code(weight, row, column + input) & 7) != 0) return scale_byte(weight, row, column);
  return -1;
}

// The largest and the smallest exponent of a row's groups that hold anything.
struct Fp4RowRange {
  int largest = -1;
  int smallest = 256;

  FATHOM_HOST_DEVICE void take(int exponent) {
    if (exponent < 0) return;
    if (exponent > largest) largest = exponent;
    if (exponent < smallest) smallest = exponent;
  }
  // The row's exponent in an even tile, or kUneven.
  FATHOM_HOST_DEVICE std::uint8_t even_exponent() const {
    if (largest < 0) return 127;
    const bool even = largest - smallest < kLowestGroupE4m3 && largest <= 127 && largest >= 127 - kMostBelowOne;
    return even ? static_cast<std::uint8_t>(largest) : kUneven;
  }
};

// Four groups of 32: the largest exponent of those that hold anything, and how far below it each lies.
struct Fp4RowScales {
  std::uint8_t exponent = 127;
  std::uint8_t below[4] = {0, 0, 0, 0};
};

// `even`: the row's exponent in all of its blocks, or kUneven.
FATHOM_HOST_DEVICE inline Fp4RowScales fp4_row_scales(const StoredWeight& weight, std::int64_t row, std::int64_t column,
                                                      std::uint8_t even) {
  Fp4RowScales scales;
  int exponents[4];
  Fp4RowRange range;
  for (int group = 0; group < 4; ++group) {
    exponents[group] = fp4_group_exponent(weight, row, column + 32 * group);
    range.take(exponents[group]);
  }
  const int largest = even != kUneven ? even : range.largest;
  if (largest < 0) return scales;
  scales.exponent = static_cast<std::uint8_t>(largest);
  for (int group = 0; group < 4; ++group) {
    const int below = exponents[group] < 0 ? 0 : largest - exponents[group];
    scales.below[group] = static_cast<std::uint8_t>(below > kLowestGroup ? kLowestGroup : below);
  }
  return scales;
}

// Eight codes of a row, inputs 4 t + j of the two runs q of 16: magnitudes at bit 4 (4 q + j), the signs of run 0 at
// bit 8 j + 7 and of run 1 at bit 8 j + 3, where one mask or shift brings them to the top of bytes.
FATHOM_HOST_DEVICE inline std::uint32_t fp4_word(const StoredWeight& weight, std::int64_t row, std::int64_t column) {
  std::uint32_t word = 0;
  for (int run = 0; run < 2; ++run)
    for (int j = 0; j < 4; ++j) {
      const std::uint32_t code = fp4_code(weight, row, column + 16 * run + j);
      word |= (code & 7U) << (4 * (4 * run + j));
      word |= (code >> 3) << (8 * j + (run == 0 ? 7 : 3));
    }
  return word;
}

// `even`: the rows' exponents in an even tile, or null.
FATHOM_HOST_DEVICE inline void write_fp4_share(const StoredWeight& weight, std::int64_t row, std::int64_t column,
                                               const std::uint8_t* even, int thread, std::uint8_t* tile) {
  auto* words = reinterpret_cast<std::uint32_t*>(tile);
  const int first = thread / 32 * 16 + thread % 32 / 4;
  const auto scales_of = [&](int of_tile) {
    return fp4_row_scales(weight, row + of_tile, column, even != nullptr ? even[of_tile] : kUneven);
  };
  const Fp4RowScales scales[2] = {scales_of(first), scales_of(first + 8)};
  for (int step = 0; step < 4; ++step)
    for (int half = 0; half < 2; ++half) {
      const bool lost = scales[half].below[step] >= kLowestGroup;
      words[step / 2 * 512 + thread * 4 + step % 2 * 2 + half] =
          lost ? 0 : fp4_word(weight, row + first + 8 * half, column + 32 * step + thread % 4 * 4);
    }
  if (thread >= kTileRows) return;
  const Fp4RowScales own = scales_of(thread);
  for (int group = 0; group < 4; ++group)
    tile[codes_bytes(TileKind::fp4) + 4 * thread + group] =
        static_cast<std::uint8_t>(8 * own.below[group] + (even != nullptr ? kEvenTile : 0));
  tile[exponents_at(TileKind::fp4) + thread] = own.exponent;
}

// Pieces of a row's sixteen inputs.
FATHOM_HOST_DEVICE inline void write_fp8_share(const StoredWeight& weight, std::int64_t row, std::int64_t column,
                                               int thread, std::uint8_t* tile) {
  constexpr int kPiece = 16;
  constexpr int kOfEightRows = 8 * kBlockInputs / kPiece;
  for (int piece = thread; piece < codes_bytes(TileKind::fp8) / kPiece; piece += kWarpgroupThreads) {
    const int of_tile = piece / kOfEightRows * 8 + piece % 8;
    const int input = piece % kOfEightRows / 8 * kPiece;
    for (int j = 0; j < kPiece; ++j) {
      const std::int64_t at_row = row + of_tile;
      const std::int64_t at_column = column + input + j;
      const bool inside = at_row < weight.out && at_column < weight.in;
      tile[piece * kPiece + j] = inside ? weight.data[at_row * weight.in + at_column] : 0;
    }
  }
  if (thread < kTileRows) tile[codes_bytes(TileKind::fp8) + thread] = scale_byte(weight, row, column);
}

// The binary exponent that brings the largest magnitude to [2^14, 2^15), as a biased byte; what is below 2^-100 is
// zero.
FATHOM_HOST_DEVICE inline int f16_exponent(float largest) {
  const int biased = static_cast<int>(std::bit_cast<std::uint32_t>(largest) >> 23);
  return biased < 27 ? 27 - 14 : biased - 14;
}

FATHOM_HOST_DEVICE inline float power_of_two(int biased) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(biased) << 23);
}

// float32 to binary16, to nearest even, for magnitudes below 65504.
FATHOM_HOST_DEVICE inline std::uint16_t float_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude >= 0x47800000U) return static_cast<std::uint16_t>(sign | (magnitude > 0x7f800000U ? 0x7e00U : 0x7c00U));
  if (magnitude < 0x38800000U) {  // subnormal: the sum leaves the count of 2^-24 steps in the low mantissa bits
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) & 0x7ffU));
  }
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000U + 0xfffU + ((magnitude >> 13) & 1U)) >> 13));
}

// Part 0 is the value over the row's power of two, rounded; part 1 is what that left, 2^11 finer.
FATHOM_HOST_DEVICE inline std::uint16_t f16_part(float value, int exponent, int part) {
  const float scaled = value * power_of_two(254 - exponent);
  const std::uint16_t rounded = float_to_f16(scaled);
  if (part == 0) return rounded;
  return float_to_f16((scaled - f16_to_float(rounded)) * 0x1p11F);
}

FATHOM_HOST_DEVICE inline int f16_row_exponent(const StoredWeight& weight, std::int64_t row, std::int64_t column) {
  float largest = 0.0F;
  for (int input = 0; input < kBlockInputs; ++input) {
    const float magnitude = std::fabs(stored_value(weight, row, column + input));
    largest = magnitude > largest ? magnitude : largest;
  }
  return f16_exponent(largest);
}

FATHOM_HOST_DEVICE inline void write_f16_share(const StoredWeight& weight, std::int64_t row, std::int64_t column,
                                               int part, int thread, std::uint8_t* tile) {
  auto* halves = reinterpret_cast<std::uint16_t*>(tile);
  const int first = thread / 32 * 16 + thread % 32 / 4;
  for (int half = 0; half < 2; ++half) {
    const std::int64_t at_row = row + first + 8 * half;
    const int exponent = f16_row_exponent(weight, at_row, column);
    for (int step = 0; step < 8; ++step)
      for (int j = 0; j < 4; ++j) {
        const float value = stored_value(weight, at_row, column + 16 * step + thread % 4 * 4 + j);
        halves[step * 1024 + thread * 8 + (half + 2 * (j / 2)) * 2 + j % 2] = f16_part(value, exponent, part);
      }
  }
  if (thread >= kTileRows) return;
  const int exponent = f16_row_exponent(weight, row + thread, column);
  tile[codes_bytes(TileKind::f16) + thread] = static_cast<std::uint8_t>(part == 0 ? exponent : exponent - 11);
}

// Which tile of a weight, by its first output and input; `even`: of FP4, its rows' exponents if it is even, or null.
struct TilePlace {
  std::int64_t row = 0;
  std::int64_t column = 0;
  int part = 0;
  const std::uint8_t* even = nullptr;
};

// Thread `thread` of 128 writes its share of the tile.
FATHOM_HOST_DEVICE inline void write_tile_share(const StoredWeight& weight, TileForm form, const TilePlace& at,
                                                int thread, std::uint8_t* tile) {
  if (form.kind == TileKind::fp4) write_fp4_share(weight, at.row, at.column, at.even, thread, tile);
  if (form.kind == TileKind::fp8) write_fp8_share(weight, at.row, at.column, thread, tile);
  if (form.kind == TileKind::f16) write_f16_share(weight, at.row, at.column, at.part, thread, tile);
}

}  // namespace fathom::cuda
