// Attention of some heads of neighbouring queries over the keys that any of them sees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fathom/ops/softmax_slots.h"
#include "fathom/tensor/arena.h"

namespace fathom {

// Keys [first, first + count) of a piece, which a query has from softmax slot `slot` on.
struct KeyRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t slot = 0;

  std::int64_t end() const { return first + count; }
};

struct AttentionQuery {
  const float* q = nullptr;  // [heads, head_dim]
  float* out = nullptr;      // [heads, head_dim]
  KeyRange window;
  KeyRange entries;
  std::int64_t slots = 0;
};

// Sums, whoever shares a piece: a score is one chain over head_dim, a value one chain over the query's own keys in
// order, the denominator row_sum (of ops/released_arithmetic.h) over its slots, then the sink. The maximum is taken
// over its keys before any exponential.
struct AttentionPiece {
  EntryFormat format;
  std::int64_t heads = 0;
  const float* sink = nullptr;  // [heads]
  float scale = 1.0F;
  std::span<const std::byte* const> keys;  // stored rows: the windows' in one stretch, then the entries
  std::int64_t window_keys = 0;            // of them
  std::span<const AttentionQuery> queries;
  std::span<const std::byte* const> ahead;  // keys of the next piece, asked for meanwhile
};

void attention_piece(const AttentionPiece& piece, Arena& scratch);

}  // namespace fathom
