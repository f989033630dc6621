// How a weight lies in memory for the kernels: tiles of sixteen outputs, columns ascending, in the released precision.
// A tile is a row of 64-byte blocks; a block holds sixteen outputs times 1 (f32), 2 (bf16), 4 (fp8) or 8 (fp4) columns.
//
//   f32, bf16, fp8   [output][column]
//   fp4              four quads of four outputs, 16 bytes each: byte 8 (k / 2 % 2) + 2 output + k % 2 holds columns k
//                    (low nibble) and k + 4 (high nibble), k in [0, 4)
//   indexed_bf16     48 bytes (Note [Bf16 in twelve bits], indexed_bf16.h)
//
// Columns and outputs beyond the matrix are zeros. A scale belongs to one output and group_columns columns; fp8 and fp4
// always have one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fathom {

inline constexpr std::int64_t kTileOutputs = 16;
inline constexpr std::int64_t kBlockBytes = 64;
inline constexpr std::int64_t kChunkBlocks =
    16;  // packed at a time: of each output a cache line, four bytes to a block

enum class CodeFormat : std::uint8_t { f32, bf16, indexed_bf16, fp8, fp4 };
enum class ScaleFormat : std::uint8_t { none, e8m0, f32 };

constexpr std::int64_t block_columns(CodeFormat format) {
  switch (format) {
    case CodeFormat::f32: return 1;
    case CodeFormat::bf16:
    case CodeFormat::indexed_bf16: return 2;
    case CodeFormat::fp8: return 4;
    case CodeFormat::fp4: return 8;
  }
  return 1;
}

constexpr std::int64_t block_bytes(CodeFormat format) {
  return format == CodeFormat::indexed_bf16 ? kBlockBytes * 3 / 4 : kBlockBytes;
}

// Where a value [output][column] of a block of indexed_bf16 has its lower byte; its index has a nibble in the same
// order.
constexpr int place_in_indexed_block(int value) { return value / 8 % 2 * 16 + value / 16 * 8 + value % 8; }

// A block of indexed_bf16 that has another upper byte, as bf16.
struct PlainBlock {
  std::int64_t column = 0;  // its first
  std::byte codes[kBlockBytes] = {};
};

// Note [Scales apart]: a power of two commutes with rounding, so a chain may run in units of its scale: sum / scale,
// then the products of x with bare codes, then times scale. The bits are those of products with code times scale as
// long as nothing on the way overflows or is subnormal. With scales in these bounds and every x zero or in [2^-50,
// 2^28), products are normal and both sums and sums in units are multiples of 2^-141 below 2^100: nothing does.
inline constexpr int kLeastModerateScale = -32;
inline constexpr int kMostModerateScale = 7;
inline constexpr float kLeastModerateX = 0x1p-50F;
inline constexpr float kMostModerateX = 0x1p28F;

struct PackedTiles {
  CodeFormat code_format = CodeFormat::f32;
  ScaleFormat scale_format = ScaleFormat::none;
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t group_columns = 1;  // a multiple of block_columns, or at least `in`
  std::int64_t groups = 0;
  const std::byte* codes = nullptr;   // [tiles, blocks, block_bytes], aligned to 64
  const std::byte* scales = nullptr;  // [tiles, groups, 16] of bytes or floats
  bool moderate_scales = false;       // e8m0, all in [2^kLeastModerateScale, 2^kMostModerateScale]
  // Of indexed_bf16:
  const std::uint8_t* upper_bytes = nullptr;  // [16]
  const PlainBlock* plain_blocks = nullptr;   // by tile, columns ascending
  const std::int64_t* first_plain = nullptr;  // [tiles + 1]

  std::int64_t tiles() const { return (out + kTileOutputs - 1) / kTileOutputs; }
  std::int64_t blocks() const { return (in + block_columns(code_format) - 1) / block_columns(code_format); }
  std::int64_t tile_bytes() const { return blocks() * block_bytes(code_format); }
  const std::byte* block(std::int64_t tile, std::int64_t column) const {
    return codes + tile * tile_bytes() + column / block_columns(code_format) * block_bytes(code_format);
  }
  std::span<const PlainBlock> plain_blocks_of(std::int64_t tile) const {
    return {plain_blocks + first_plain[tile], plain_blocks + first_plain[tile + 1]};
  }
};

}  // namespace fathom
