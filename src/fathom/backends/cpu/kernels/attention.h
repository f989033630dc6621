// Attention of some heads of one query over its keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fathom/ops/softmax_slots.h"
#include "fathom/tensor/arena.h"

namespace fathom {

// Sums: a score is one chain over head_dim, a value one chain over the keys in order, the denominator row_sum (of
// ops/released_arithmetic.h) over SoftmaxSlots, then the sink. The maximum is taken over the keys before any
// exponential.
struct AttentionPiece {
  EntryFormat format;
  std::int64_t heads = 0;
  const float* q = nullptr;     // [heads, head_dim]
  const float* sink = nullptr;  // [heads]
  float scale = 1.0F;
  std::span<const std::byte* const> keys;  // stored rows, in summation order
  SoftmaxSlots slots;
  float* out = nullptr;  // [heads, head_dim]
};

void attention_piece(const AttentionPiece& piece, Arena& scratch);

}  // namespace fathom
