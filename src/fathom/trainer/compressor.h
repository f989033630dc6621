// The token-level compressor with gradients; model/compressor.h's twin (report 2.3).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "fathom/trainer/step.h"

namespace fathom::train {

struct CompressorPlan {
  std::int64_t ratio = 0;
  bool overlap = false;
  std::int64_t dim = 0;  // of an entry: head_dim, or index_dim for the indexer
};

// x [tokens, channels] -> entries [rows, entries, dim]: pooled, normed, rotated at the position of the block's first
// token. Unused places hold numbers that no query sees. `prefix` is "layers.2.attn.compressor.".
torch::Tensor compress(const Step& step, const std::string& prefix, const CompressorPlan& plan, const torch::Tensor& x);

}  // namespace fathom::train
