// Muon as published (report, Algorithm 1): momentum, orthogonalised, scaled to the update size of AdamW.
#pragma once

#include <torch/types.h>

#include <vector>

namespace fathom::train {

struct MuonOptions {
  double learning_rate = 0.0;
  double weight_decay = 0.1;
  double momentum = 0.95;
  double update_rms = 0.18;  // root mean square of an update's elements
};

// Parameters of one [out, in], which one batch orthogonalises. Each tensor is [out, in] or a stack [experts, out, in]
// of matrices on their own.
struct MuonGroup {
  std::vector<torch::Tensor> values;
  std::vector<torch::Tensor> gradients;
  std::vector<torch::Tensor> momenta;
};

// No gradient is recorded and the host waits for nothing.
void muon_step(const MuonGroup& group, const MuonOptions& options);

}  // namespace fathom::train
