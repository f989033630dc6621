// AdamW with the report's constants (section 4.2): betas 0.9 and 0.95, epsilon 1e-20, decoupled decay.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace fathom::train {

struct AdamWOptions {
  double learning_rate = 0.0;
  double weight_decay = 0.1;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-20;
};

struct AdamWGroup {
  std::vector<torch::Tensor> values;
  std::vector<torch::Tensor> gradients;
  std::vector<torch::Tensor> first;   // mean of gradients
  std::vector<torch::Tensor> second;  // mean of squared gradients
};

// `step`: updates that the group had, this one counted: 1 the first time. The host waits for nothing.
void adamw_step(const AdamWGroup& group, std::int64_t step, const AdamWOptions& options);

}  // namespace fathom::train
