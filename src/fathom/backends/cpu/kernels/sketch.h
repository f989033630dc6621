// Dot products of whole numbers: a head's sketch (head_sketch.h) with rows of x. Exact, so the same on every machine.
//
// A code and kSketchOrigin are eight bits: four, two, and the two lower ones, which lie apart. A block of 256 columns
// is four groups of 64; column c of it is byte c % 64 of
//   upper  [2, 64] bytes: the first four bits of a group, and those of the next group above them
//          [64] bytes: the next two bits, those of each group above the one before
//   lower  [64] bytes: the last two bits, likewise
#pragma once

#include <cstddef>
#include <cstdint>

namespace fathom {

inline constexpr std::int64_t kSketchBlock = 256;  // columns are padded to a multiple of it, with zeros
inline constexpr std::int64_t kSketchGroup = 64;
inline constexpr std::int64_t kUpperBytes = 192;  // of a block
inline constexpr std::int64_t kLowerBytes = 64;
constexpr std::int64_t whole_groups(std::int64_t columns) {
  return (columns + kSketchGroup - 1) / kSketchGroup * kSketchGroup;
}
constexpr std::int64_t sketch_blocks(std::int64_t columns) { return (columns + kSketchBlock - 1) / kSketchBlock; }
inline constexpr int kMostSketchCode = 127;
inline constexpr int kSketchOrigin = 128;  // is added to a code
inline constexpr int kLowerCodes = 4;
inline constexpr int kMostSketchX = 4096;
// Columns whose products fit a sum in 32 bits: 63 * 4096 * 4096 < 2^31.
inline constexpr std::int64_t kSketchColumns = 4096;

// Where a row of x has a column: of every group the even ones come first.
constexpr std::int64_t place_in_sketch_x(std::int64_t column) {
  const std::int64_t in_group = column % kSketchGroup;
  return column - in_group + in_group % 2 * (kSketchGroup / 2) + in_group / 2;
}

struct SketchPiece {
  const std::byte* upper = nullptr;  // [outputs, blocks, kUpperBytes]
  std::int64_t outputs = 0;
  std::int64_t columns = 0;
  // [rows, padded columns], each at most kMostSketchX in size, placed by place_in_sketch_x.
  const std::int16_t* x = nullptr;
  std::int64_t rows = 0;
  std::int64_t* sums = nullptr;  // [rows, outputs]: of x * floor((code + kSketchOrigin) / kLowerCodes)
  std::int64_t apart = 0;        // of the rows of sums
};

void sketch_piece(const SketchPiece& piece);

// The same of codes that are not divided.
struct WholeSketchPiece {
  const std::int8_t* codes = nullptr;  // [outputs, columns]
  std::int64_t outputs = 0;
  std::int64_t columns = 0;         // of whole groups
  const std::int16_t* x = nullptr;  // [rows, columns], in order
  std::int64_t rows = 0;
  std::int64_t* sums = nullptr;  // [rows, outputs]: of x * code
  std::int64_t apart = 0;        // of the rows of sums
};

void sketch_piece(const WholeSketchPiece& piece);

// The sum of x * lower codes of an output: lower [blocks, kLowerBytes], one row of x.
std::int64_t sketch_lower(const std::byte* lower, const std::int16_t* x, std::int64_t columns);

}  // namespace fathom
