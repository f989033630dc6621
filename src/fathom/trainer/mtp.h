// Multi-token prediction with gradients (report 2.4): one more block that reads the trunk's streams at t and token t +
// 1, and predicts token t + 2.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "fathom/trainer/block.h"
#include "fathom/trainer/step.h"

namespace fathom::train {

class Mtp {
 public:
  explicit Mtp(const Step& step) : step_(step) {}

  // trunk streams [tokens, streams, channels] -> the block's. At a document's last token, where no next one is, it
  // reads token 0, and nothing looks at what comes of it.
  Block::Result forward(const torch::Tensor& streams, const torch::Tensor& chosen) const;

  // [rows, length]: the target of t + 1 where that is the same document's, else -1.
  torch::Tensor targets() const;

 private:
  // values [rows, length] of t + 1 at t, `otherwise` where another document begins.
  torch::Tensor next_of_document(const torch::Tensor& values, std::int64_t otherwise) const;

  const Step& step_;
};

}  // namespace fathom::train
