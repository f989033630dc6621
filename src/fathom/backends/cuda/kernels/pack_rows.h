// The kernel that packs rows for products, as its callers launch it.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/backends/cuda/kernels/product_layout.h"

namespace fathom::cuda {

inline constexpr float kE4m3Largest = 448.0F;

// Whether rows that lie so far apart can be read four floats at once. Null, which is not read, can.
inline bool four_at_once(const float* rows, std::int64_t stride) {
  return reinterpret_cast<std::uintptr_t>(rows) % 16 == 0 && stride % 4 == 0;
}

struct PackWork {
  const float* x = nullptr;   // rows, or gates where `up` is set
  const float* up = nullptr;  // then the packed row itself is read from both
  std::int64_t row_stride = 0;
  std::int64_t group_stride = 0;
  std::int64_t rows = 0;
  std::int64_t in = 0;
  std::int64_t groups = 1;
  float limit = 0.0F;
  const float* weights = nullptr;           // by slot
  const std::int32_t* slots = nullptr;      // [packed_rows] slot of each, -1: zeros; null: its own number
  std::int64_t slots_of_row = 1;            // the row of x is slot / slots_of_row
  const std::int32_t* row_limit = nullptr;  // packed rows in use; null: all
  std::int64_t packed_rows = 0;             // whole chunks
  std::int64_t chunks = 0;                  // of a group
  int columns = 0;
  std::uint8_t* blocks = nullptr;
  std::int64_t x_blocks = 0;  // along the inputs; set by the launch
  bool aligned = false;       // four floats at once; set by the launch
};

void launch_pack(int capability, PackWork work, Operand operand, Stream stream);
// Rows of x, one group of them without slots, as e4m3 and as two halves.
void launch_pack_twice(int capability, PackWork e4m3, PackWork halves, Stream stream);

}  // namespace fathom::cuda
