// One softmax over a query's window and its compressed entries, with a sink in the denominator (report 2.3). Keys are
// the values too, one set for all heads. Nothing of the size of the scores outlives the call: the way back makes them
// again, chunk by chunk.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace fathom::train {

struct SparseAttentionArgs {
  torch::Tensor q;               // [rows, length, heads, head_dim]
  torch::Tensor kv;              // [rows, length, head_dim]
  torch::Tensor entries;         // [rows, entries, head_dim]; undefined without compression
  torch::Tensor sink;            // [heads], wide
  torch::Tensor window_hidden;   // [rows, blocks, block, 2 block] bool: key of the block before and of its own, unseen
  torch::Tensor entries_hidden;  // [rows, length, entries] bool; undefined without compression
  std::int64_t ratio = 1;        // tokens of an entry
  double scale = 1.0;
};

// -> [rows, length, heads, head_dim]
torch::Tensor sparse_attention(const SparseAttentionArgs& args);

}  // namespace fathom::train
