// What one forward pass shares among its blocks: weights in their compute type, rotations, and who may see whom.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/trainer/packed_batch.h"
#include "fathom/trainer/parameters.h"
#include "fathom/trainer/transformer.h"

namespace fathom::train {

// The compressed entries of one ratio, as queries and compressors need them.
struct EntryView {
  std::int64_t ratio = 0;
  std::int64_t count = 0;     // entries of a row
  torch::Tensor hidden;       // [rows, length, entries] bool: a query does not see an entry
  torch::Tensor turns;        // [rows * entries, rope_dim / 2] complex, at each block's first token
  torch::Tensor tokens;       // [rows * entries * ratio] int64: rows of x that a block pools
  torch::Tensor previous;     // [rows * entries * ratio] int64: those of the block before it
  torch::Tensor no_previous;  // [rows * entries, 1, 1] bool: the block is its document's first
  torch::Tensor first;        // [rows * entries] int64: the row of x that the block begins with
  torch::Tensor unused;       // [rows * entries] bool: no block lies there
  torch::Tensor places;       // [tokens, ratio], on a GPU: one where a token is its block's so-manyth, else zero
};

class Step {
 public:
  Step(const Parameters& parameters, const PackedBatch& batch, const ForwardOptions& options);

  const ModelConfig& config() const { return parameters_.config(); }
  const PackedBatch& batch() const { return batch_; }
  const ForwardOptions& options() const { return options_; }
  torch::ScalarType compute() const { return options_.compute; }
  torch::ScalarType wide() const;
  std::int64_t rows() const { return batch_.rows(); }
  std::int64_t length() const { return batch_.length(); }
  std::int64_t tokens() const { return rows() * length(); }

  // A parameter as products take it: in the compute type, through the released format when asked for.
  torch::Tensor weight(std::string_view name) const { return cast(name, compute()); }
  // The same for what is computed wide.
  torch::Tensor wide_weight(std::string_view name) const { return cast(name, wide()); }
  const torch::Tensor& hash_table(std::int64_t layer) const { return parameters_.hash_table(layer); }

  // Of layers without and with compression: [tokens, rope_dim / 2] complex.
  const torch::Tensor& turns(std::int64_t block) const;
  const EntryView& entries(std::int64_t ratio) const;
  // Queries go in blocks of this many tokens, each with the keys of its own and of the block before it.
  std::int64_t query_block() const { return query_block_; }
  const torch::Tensor& window_hidden() const { return window_hidden_; }  // [rows, blocks, query_block, 2 query_block]
  const torch::Tensor& real() const { return real_; }                    // [tokens] bool: no padding

 private:
  torch::Tensor cast(std::string_view name, torch::ScalarType type) const;
  bool learns(std::string_view name) const;  // where the indexer learns alone, the rest gives values and no more
  EntryView view_entries(const EntryPlan& plan) const;
  torch::Tensor hide_outside_window() const;

  const Parameters& parameters_;
  const PackedBatch& batch_;
  ForwardOptions options_;
  torch::Tensor plain_turns_;
  torch::Tensor compressed_turns_;
  std::int64_t query_block_ = 0;
  torch::Tensor window_hidden_;
  torch::Tensor real_;
  std::vector<EntryView> entries_;
};

}  // namespace fathom::train
