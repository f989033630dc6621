// Some outputs of a packed weight, for rows that may lie apart.
#pragma once

#include "fathom/backends/cpu/kernels/packed_tiles.h"

namespace fathom {

// Row r is weight.in floats at x + r * x_step; its outputs [first_out, last_out) go to out + r * out_step.
struct Product {
  const PackedTiles* weight = nullptr;
  std::int64_t first_out = 0;
  std::int64_t last_out = 0;
  const float* x = nullptr;
  std::int64_t x_step = 0;
  float* out = nullptr;
  std::int64_t out_step = 0;
};

}  // namespace fathom
