// Rows that are packed already, once more in another order: what experts read of tokens.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/launching.h"

namespace fathom::cuda {

// Of e4m3, in blocks of 64 columns.
struct GatherRows {
  const std::uint8_t* from = nullptr;       // [x_blocks, from_chunks] blocks
  std::uint8_t* to = nullptr;               // [x_blocks, chunks] blocks
  const std::int32_t* slots = nullptr;      // [packed_rows] slot of each, -1: zeros
  const std::int32_t* row_limit = nullptr;  // packed rows in use
  std::int64_t from_chunks = 0;
  std::int64_t chunks = 0;
  std::int64_t x_blocks = 0;
  std::int64_t slots_of_row = 1;  // the row of `from` is slot / slots_of_row
};
void launch_gather(int capability, const GatherRows& work, Stream stream);

}  // namespace fathom::cuda
