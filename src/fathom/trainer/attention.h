// Attention of one block with gradients; model/attention.h's twin (report 2.3).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "fathom/trainer/step.h"

namespace fathom::train {

class Attention {
 public:
  Attention(const Step& step, std::int64_t block, std::string prefix)
      : step_(step), block_(block), prefix_(std::move(prefix)) {}

  struct Result {
    torch::Tensor out;         // [tokens, channels]
    torch::Tensor index_loss;  // scalar, summed over queries; undefined where no indexer learns
  };

  // x [tokens, channels].
  Result forward(const torch::Tensor& x, bool with_index_loss) const;

 private:
  torch::Tensor entries(const torch::Tensor& x) const;
  torch::Tensor project_output(const torch::Tensor& heads_out) const;

  const Step& step_;
  std::int64_t block_;
  std::string prefix_;  // "layers.0.attn."
};

}  // namespace fathom::train
