// Attention of many tokens over keys that were widened to bfloat16 once, for all queries that see them.
#pragma once

#include "fathom/backends/cuda/kernels/attention.h"

namespace fathom::cuda {

// Where a token's keys lie among the widened rows, in summation order.
struct alignas(16) TokenKeys {
  std::int32_t ring_row;     // of the first key; those from `ring_keys` on begin at fresh_row
  std::int32_t ring_keys;    // of the window's
  std::int32_t fresh_row;    //
  std::int32_t window_keys;  //
  std::int32_t entry_row;    // of the run's first entry
  std::int32_t visible;      // entries
  std::int32_t count;        // keys, without those of `selected` that are none
  std::int32_t unused;
};

// Where values go that are turned back and rounded to e4m3, as a grouped product reads them (product_layout.h).
struct PackedValues {
  std::uint8_t* blocks;  // [heads, head_dim / 128, chunks] of 64 tokens; null: values go to attention.out as they are
  std::int64_t chunks;
  const float* cosine;  // [tokens, 32]
  const float* sine;    // [tokens, 32]
};

struct WidenedAttention {
  AttentionKernel attention;
  std::int64_t tokens;           // of the step
  std::int64_t entries;          // of any run, at most
  std::uint16_t* rows;           // [widened_rows, head_dim]: the step's, then of each run its window and its entries
  TokenKeys* keys;               // [tokens]
  std::int64_t blocks;           // that the device runs at a time
  const std::uint16_t* queries;  // [tokens, heads, head_dim] rounded before; null: attention.q
  PackedValues packed;

  FATHOM_ON_BOTH_SIDES std::int64_t rows_of_run() const { return attention.window + entries; }
  FATHOM_ON_BOTH_SIDES std::int64_t row_count() const { return tokens + attention.runs.count * rows_of_run(); }
};

// Rows and where each token's keys lie, for a whole step.
void launch_widen_keys(const WidenedAttention& args, Stream stream);
// Attention by warpgroups over them, with the bits of launch_attention_warpgroups. Queries and values lie on boundaries
// of sixteen bytes.
void launch_attention_widened(const WidenedAttention& args, Stream stream);

}  // namespace fathom::cuda
