// Dot products of whole numbers: a head's sketch (head_sketch.h) with rows of x. Exact, so the same on every machine.
//
// A code of eight bits is the sum of an upper one, of its six leading bits, and a lower one, of the two others, which
// lie apart. A block of 256 columns, four groups of 64; column c is byte c % 64:
//   upper  [2, 64] bytes: the four leading bits of a group, and of the next one above them; [64] bytes: two bits of
//   each lower  [64] bytes: two bits of each group
#pragma once

#include <cstddef>
#include <cstdint>

namespace fathom {

inline constexpr std::int64_t kSketchBlock = 256;  // columns are padded to a multiple of it, with zeros
inline constexpr std::int64_t kSketchGroup = 64;
inline constexpr std::int64_t kUpperBytes = 192;  // of a block
inline constexpr std::int64_t kLowerBytes = 64;
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

// A row as whole numbers times a scale, and how long (Euclid) it, those, and what they leave are; no shorter than that.
struct SketchedRow {
  float scale = 1.0F;
  float norm = 0.0F;             // infinite where a value is not finite
  float code_norm = 0.0F;        // of scale * codes, and of scale * (upper codes + 1.5)
  float rest_norm = 0.0F;        // of row - scale * codes
  float upper_rest_norm = 0.0F;  // of row - scale * (upper codes + 1.5), which is the mean of the four
};

// upper [blocks, kUpperBytes], lower [blocks, kLowerBytes]; codes of at most kMostSketchCode in size.
SketchedRow sketch_row(const float* row, std::int64_t columns, std::byte* upper, std::byte* lower);

struct SketchPiece {
  const std::byte* upper = nullptr;  // [outputs, blocks, kUpperBytes]
  std::int64_t outputs = 0;
  std::int64_t columns = 0;  // padded
  // [rows, columns], each at most kMostSketchX in size, placed by place_in_sketch_x.
  const std::int16_t* x = nullptr;
  std::int64_t rows = 0;
  std::int64_t* sums = nullptr;  // [rows, outputs]: of x * (code + kSketchOrigin) / kLowerCodes, rounded down
  std::int64_t apart = 0;        // of the rows of sums
};

void sketch_piece(const SketchPiece& piece);

// The sum of x * lower codes of an output: lower [blocks, kLowerBytes], one row of x.
std::int64_t sketch_lower(const std::byte* lower, const std::int16_t* x, std::int64_t columns);

}  // namespace fathom
