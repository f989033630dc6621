// Every trained parameter with its gradient and its moments, and the published split between Muon and AdamW
// (docs/training.md, "Parameters and optimizers").
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fathom/spec/tensor_table.h"
#include "fathom/trainer/adamw.h"
#include "fathom/trainer/muon.h"
#include "fathom/trainer/parameters.h"

namespace fathom::train {

enum class UpdateRule : std::uint8_t {
  none,  // the balance bias moves by its own rule, the hash table never
  adamw,
  muon,
};
enum class OptimizerKind : std::uint8_t {
  published,  // the split below
  adamw,      // AdamW for everything: the baseline
};
enum class TrainedPart : std::uint8_t {
  all,
  indexer,
  all_but_indexer,  // where attention is dense the indexer has no gradient, and would only decay
};

UpdateRule update_rule(TensorRole role, OptimizerKind kind);

struct StepSizes {
  double learning_rate = 0.0;
  double weight_decay = 0.1;
};

class Optimizer {
 public:
  // Borrows the parameters. Their gradients become slices of one tensor, so that they are zeroed, summed over ranks and
  // measured as one.
  Optimizer(Parameters& parameters, OptimizerKind kind);

  // What the next backward passes and steps move; the rest keeps its values and its moments.
  void train(TrainedPart part);
  void zero_gradients();
  // A slice of gradients(); undefined for what is never trained.
  torch::Tensor gradient_of(const std::string& name) const;
  const torch::Tensor& gradients() const { return gradients_; }  // [all elements], between them zeros
  // Scales the gradients so that their norm is at most `limit` (0: no limit). The norm before that, on the device.
  torch::Tensor clip(double limit);
  void step(const StepSizes& sizes);

  // All that a later run needs beside the parameters, by name: "momentum.NAME", "first.NAME", "second.NAME" and
  // "updates", the number of updates that each slot had. The tensors are this object's own, to be read or filled.
  std::vector<std::pair<std::string, torch::Tensor>> state();

 private:
  struct Slot {
    std::string name;
    UpdateRule rule = UpdateRule::none;
    bool trained = true;
    torch::Tensor value;
    torch::Tensor gradient = {};
    torch::Tensor first = {};  // Muon's momentum or AdamW's first moment
    torch::Tensor second = {};
  };
  void step_muon(const StepSizes& sizes);
  void step_adamw(const StepSizes& sizes);

  std::vector<Slot> slots_;
  torch::Tensor gradients_;
  torch::Tensor updates_;  // [slots] int64, on the host
};

}  // namespace fathom::train
