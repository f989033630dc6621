// Rows of tokens cut into pieces whose attention scores fit into memory (and, on a CPU, into its caches).
#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fathom::train {

// Several whole rows, or a part of one.
struct RowChunk {
  std::int64_t row = 0;
  std::int64_t rows = 0;
  std::int64_t token = 0;
  std::int64_t tokens = 0;

  // values [rows, length, ...] -> those of the chunk.
  torch::Tensor of(const torch::Tensor& values) const { return values.narrow(0, row, rows).narrow(1, token, tokens); }
  // values [rows, entries, ...] -> those that the chunk's queries can see: an entry ends at (entry + 1) * ratio or
  // later.
  torch::Tensor of_entries(const torch::Tensor& values, std::int64_t ratio) const {
    return values.narrow(0, row, rows).narrow(1, 0, std::min(values.size(1), (token + tokens) / ratio));
  }
};

struct RowChunkPlan {
  std::int64_t rows = 0;
  std::int64_t length = 0;
  std::int64_t multiple = 1;      // tokens of a part are a multiple of it; it divides `length`
  std::int64_t token_scores = 0;  // scores of one token
  torch::Device device = torch::kCPU;
};

std::vector<RowChunk> row_chunks(const RowChunkPlan& plan);

}  // namespace fathom::train
