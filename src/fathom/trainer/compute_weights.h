// The matrices as a step's products take them, made once a step instead of at every use: in the compute type and, when
// asked for, through their released formats. They are leaves of their own; their gradients are handed to the masters'.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fathom/trainer/optimizer.h"
#include "fathom/trainer/parameters.h"
#include "fathom/trainer/transformer.h"

namespace fathom::train {

class ComputeWeights {
 public:
  // Borrows the parameters; the optimizer's gradients are shared.
  ComputeWeights(const Parameters& parameters, const Optimizer& optimizer, torch::ScalarType compute);

  torch::ScalarType compute() const { return compute_; }
  // Values anew, gradients zero.
  void refresh(bool released_precision);
  // Undefined for what is not taken from here: all that is computed wide.
  torch::Tensor find(std::string_view name) const;
  // Adds the gradients to the masters' and zeroes them: after every backward pass.
  void hand_over();

 private:
  struct Slot {
    const Parameter* parameter = nullptr;
    torch::Tensor value;
  };
  std::vector<Slot> slots_;
  std::unordered_map<std::string, std::size_t> places_;
  torch::ScalarType compute_;
  torch::Tensor gradients_;          // of the masters
  torch::Tensor compute_gradients_;  // laid out as they are
};

// Where it pays, which is on a GPU: `weights` made if there are none yet, refreshed, and what ForwardOptions takes.
const ComputeWeights* make_weights(const Parameters& parameters, const Optimizer& optimizer,
                                   const ForwardOptions& options, std::unique_ptr<ComputeWeights>& weights);

}  // namespace fathom::train
