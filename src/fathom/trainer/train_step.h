// One step: the gradients of its micro-batches, summed over the ranks, and the update of every parameter.
#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "fathom/trainer/balance.h"
#include "fathom/trainer/compute_weights.h"
#include "fathom/trainer/meters.h"
#include "fathom/trainer/optimizer.h"
#include "fathom/trainer/ranks.h"
#include "fathom/trainer/recipe.h"
#include "fathom/trainer/recorded_work.h"
#include "fathom/trainer/step_reader.h"
#include "fathom/trainer/transformer.h"

namespace fathom::train {

// What a stage says about the step that is `stage_step` steps into it.
struct StepSettings {
  LossOptions loss;  // its target_count is the step's own
  StepSizes sizes;
  double clip = 1.0;
  double balance_speed = 0.001;
};
StepSettings step_settings(const Recipe& recipe, const Stage& stage, std::int64_t stage_step,
                           torch::ScalarType compute);

// What a stage moves: where attention is dense, or the weights are the indexer's alone, less than all.
TrainedPart trained_part(const Stage& stage);

class TrainStep {
 public:
  // Borrows all three.
  TrainStep(Parameters& parameters, Optimizer& optimizer, const Ranks& ranks);

  // `routes`: of each micro-batch, chosen ahead; empty: as the parameters choose now. The host waits for nothing.
  StepMeasures run(const StepRows& rows, const StepSettings& settings, const std::vector<Transformer::Routes>& routes);
  const Transformer& transformer() const { return transformer_; }

 private:
  void learn_from(const PackedBatch& batch, const LossOptions& options, const Transformer::Routes& routes);

  Parameters& parameters_;
  Optimizer& optimizer_;
  const Ranks& ranks_;
  std::unique_ptr<ComputeWeights> weights_;
  RecordedWork recorded_;
  torch::Tensor sums_;          // losses, then loads: of a step, over its micro-batches
  torch::Tensor target_share_;  // LossOptions::target_share
  Transformer transformer_;
  Balance balance_;
  std::int64_t blocks_;
  std::int64_t experts_;
};

}  // namespace fathom::train
