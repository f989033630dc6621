// The loss of many tokens over a vocabulary, without all their logits alive at once.
#pragma once

#include <torch/types.h>

namespace fathom::train {

// x [tokens, channels], weight [vocab, channels] wide, targets [tokens] int64 -> the sum of -log softmax(x weight^T) at
// the targets that are not -1: a wide scalar. Products are in x's type, the softmax is wide.
torch::Tensor cross_entropy_sum(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& targets);

}  // namespace fathom::train
