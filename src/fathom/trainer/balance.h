// Balance of the routed experts without a loss: each layer's selection bias moves towards even loads (report, 4.2).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "fathom/trainer/parameters.h"

namespace fathom::train {

class Balance {
 public:
  // Borrows the parameters' biases.
  explicit Balance(const Parameters& parameters);

  // loads: [layers + mtp_layers, experts], tokens that each expert got in the step, over all ranks.
  // bias[layer, e] += speed * sign(mean over experts of loads[layer] - loads[layer, e]).
  void update(const torch::Tensor& loads, double speed);
  // Scalar on the device: the greatest load of a layer over its mean load, averaged over the layers that score; 1 is
  // even.
  torch::Tensor imbalance(const torch::Tensor& loads) const;

 private:
  std::vector<torch::Tensor> biases_;  // [experts], of the blocks that score
  torch::Tensor blocks_;               // [scored] int64, their rows of `loads`
};

}  // namespace fathom::train
