// Dot products of whole numbers: a head's sketch (head_sketch.h) with rows of x. Exact, so the same on every machine.
#pragma once

#include <cstdint>

namespace fathom {

inline constexpr std::int64_t kSketchBlock = 64;  // columns are padded to a multiple of it, with zeros
inline constexpr int kMostSketchCode = 127;
inline constexpr int kMostSketchX = 4096;
// Columns whose products fit a sum in 32 bits: 127 * 4096 * 4096 < 2^31.
inline constexpr std::int64_t kSketchColumns = 4096;

// A row as whole numbers times a scale, and how long (Euclid) it, those, and what they leave are; no shorter than that.
struct SketchedRow {
  float scale = 1.0F;
  float norm = 0.0F;       // infinite where a value is not finite
  float code_norm = 0.0F;  // of scale * codes
  float rest_norm = 0.0F;  // of row - scale * codes
};

// codes [padded columns], each at most kMostSketchCode in size.
SketchedRow sketch_row(const float* row, std::int64_t columns, std::int8_t* codes);

struct SketchPiece {
  const std::int8_t* codes = nullptr;  // [outputs, columns]
  std::int64_t outputs = 0;
  std::int64_t columns = 0;         // padded
  const std::int16_t* x = nullptr;  // [rows, columns], each at most kMostSketchX in size
  std::int64_t rows = 0;
  std::int64_t* sums = nullptr;  // [rows, outputs]
};

void sketch_piece(const SketchPiece& piece);

}  // namespace fathom
