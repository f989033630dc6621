// Rows on the device, with what every compression needs to know of them (docs/training.md, "Packed rows").
#pragma once

#include <torch/types.h>

#include <span>
#include <vector>

#include "fathom/corpus/row_stream.h"
#include "fathom/spec/model_config.h"

namespace fathom::train {

// The compression blocks of one ratio in every row; unused places have document -2, which no query has.
struct EntryPlan {
  std::int64_t ratio = 0;
  torch::Tensor first;  // [rows, entries] int64: the row's token at which the block begins; entries = length / ratio
  torch::Tensor documents;  // [rows, entries] int64
  torch::Tensor positions;  // [rows, entries] int64: of the block's first token within its document
};

struct PackedBatch {
  torch::Tensor ids;                // [rows, length] int64
  torch::Tensor targets;            // [rows, length] int64; -1: no loss
  torch::Tensor documents;          // [rows, length] int64; -1: padding
  torch::Tensor positions;          // [rows, length] int64
  torch::Tensor plain_frequencies;  // [rope_dim / 2] float32: of layers without compression
  torch::Tensor slow_frequencies;   // [rope_dim / 2] float32: of layers with it, and of entries
  std::vector<EntryPlan> entries;   // one for each ratio but 0 that the model has
  std::int64_t target_count = 0;    // targets that are not -1

  // Every tensor, in one order.
  std::vector<torch::Tensor> tensors() const;
  std::int64_t rows() const { return ids.size(0); }
  std::int64_t length() const { return ids.size(1); }
  const EntryPlan& plan(std::int64_t ratio) const;
};

// Rows of one length, which is best a multiple of 128: attention goes by blocks of at least the window that divide it.
// InputError when an id or a position is beyond the model.
PackedBatch make_batch(std::span<const PackedRow> rows, const ModelConfig& config, torch::Device device);

}  // namespace fathom::train
