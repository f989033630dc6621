// Rows times a packed weight.
#pragma once

#include <cstdint>

#include "fathom/backends/cpu/kernels/packed_tiles.h"

namespace fathom {

inline constexpr std::int64_t kLinearRows = 192;  // rows of one call: they share a decoded panel
inline constexpr std::int64_t kFewRows = 4;  // up to here values are decoded in registers, where few_rows says no other
inline constexpr std::int64_t kRowsThatStay = 24;   // more have strips always
inline constexpr std::int64_t kStripColumns = 256;  // of more rows, multiplied at a time

// Outputs that make up for laying strips: a value is laid in about a cycle, and a product reads it a tenth faster.
inline constexpr std::int64_t kOutputsWorthStrips = 256;
inline constexpr std::int64_t kLayWork = 12;  // of a value that is laid, in multiply-adds

// out[row][o - first_out] = sum_k x[row][k] * w[o, k] for o in [first_out, last_out): one chain over k ascending, from
// +0, each product and each sum rounded.
struct LinearPiece {
  const PackedTiles* weight = nullptr;
  std::int64_t first_out = 0;
  std::int64_t last_out = 0;
  std::int64_t rows = 0;            // at most kLinearRows
  const float* const* x = nullptr;  // [rows], weight.in floats each; read where there are no strips
  const float* strips = nullptr;    // lay_strips of every kStripColumns columns; or null, up to kRowsThatStay rows
  float* const* out = nullptr;      // [rows], last_out - first_out floats each
  bool moderate_x = false;          // every row is_moderate (rows.h); asked of few rows only
};

// Rows that this machine multiplies by codes of a format as they lie, so many columns of them: these need no strips,
// and are asked whether they are moderate.
std::int64_t few_rows(CodeFormat format, std::int64_t columns);

void linear_piece(const LinearPiece& piece);

// Lays columns [first, first + kStripColumns) of `rows` rows, fewer at the end, from strips + first * rows on as the
// kernels of this machine read them.
void lay_strips(const float* const* x, std::int64_t rows, std::int64_t columns, std::int64_t first, float* strips);

}  // namespace fathom
