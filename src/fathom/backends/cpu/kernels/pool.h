// Gated pooling of one block.
#pragma once

#include <cstdint>
#include <span>

#include "fathom/tensor/arena.h"

namespace fathom {

struct PooledRow {
  const float* kv = nullptr;
  const float* gate = nullptr;
  const float* ape = nullptr;
};

// out[d] = sum_r softmax_r(gate[r, d] + ape[r, d]) * kv[r, d]. The softmax's own sum is a chain over the rows; the
// outer one is cascade_sum of ops/released_arithmetic.h.
void pool_rows(std::span<const PooledRow> rows, std::int64_t columns, Arena& scratch, float* out);

}  // namespace fathom
