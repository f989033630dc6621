// Rows of a head as whole numbers, in the layouts of sketch.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fathom/backends/cpu/kernels/sketch.h"

namespace fathom {

// A row as whole numbers times a scale, and bounds of how long (Euclid) it, those, and what they leave are.
struct SketchedRow {
  float scale = 1.0F;
  float norm = 0.0F;             // infinite where a value is not finite
  float code_norm = 0.0F;        // of scale * codes, with or without the lower bits
  float rest_norm = 0.0F;        // of row - scale * codes
  float upper_rest_norm = 0.0F;  // of the same where the lower bits are not known, and their mean, 1.5, is taken
};

// upper [blocks, kUpperBytes], lower [blocks, kLowerBytes]; codes of at most kMostSketchCode in size.
SketchedRow sketch_row(const float* row, std::int64_t columns, std::byte* upper, std::byte* lower);
// codes [whole groups]
SketchedRow sketch_row(const float* row, std::int64_t columns, std::int8_t* codes);

}  // namespace fathom
