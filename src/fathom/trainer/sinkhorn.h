// Sinkhorn's normalisation of the hyper-connections' mixtures (report 2.2), with its own way back.
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace fathom::train {

// logits [tokens, streams, streams] -> comb of the same shape: softmax over the last dimension, + eps, columns
// normalised; then `iterations` - 1 times rows and columns. Each step divides by its sum + eps.
torch::Tensor sinkhorn(const torch::Tensor& logits, std::int64_t iterations, double eps);

}  // namespace fathom::train
