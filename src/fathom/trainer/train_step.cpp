#include "fathom/trainer/train_step.h"

#include <torch/torch.h>

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/trainer/schedule.h"

namespace fathom::train {
namespace {

constexpr std::int64_t kLosses = 4;  // language, mtp, balance, indexer: first in the sum that ranks exchange

}  // namespace

StepSettings step_settings(const Recipe& recipe, const Stage& stage, std::int64_t stage_step,
                           torch::ScalarType compute) {
  const std::int64_t steps = stage.steps();
  const bool decays = stage_step >= first_decay_step(stage.learning_rate, steps);
  return {.loss = {.forward = {.compute = compute,
                               .attention = stage.attention,
                               .released_precision = stage.released_precision},
                   .target_count = 0,
                   .mtp_weight = decays ? stage.mtp_weight_decayed : stage.mtp_weight,
                   .balance_weight = stage.balance_weight,
                   .indexer_weight = stage.indexer_weight},
          .sizes = {.learning_rate = learning_rate_at(stage.learning_rate, stage_step, steps),
                    .weight_decay = stage.weight_decay},
          .clip = recipe.clip,
          .balance_speed = stage.train == TrainedPart::indexer ? 0.0 : stage.balance_speed};
}

TrainedPart trained_part(const Stage& stage) {
  if (stage.train == TrainedPart::all && stage.attention == AttentionStage::dense) return TrainedPart::all_but_indexer;
  return stage.train;
}

TrainStep::TrainStep(Parameters& parameters, Optimizer& optimizer, const Ranks& ranks)
    : parameters_(parameters),
      optimizer_(optimizer),
      ranks_(ranks),
      transformer_(parameters),
      balance_(parameters),
      blocks_(parameters.config().blocks()),
      experts_(parameters.config().experts) {}

StepMeasures TrainStep::run(const StepRows& rows, const StepSettings& settings,
                            const std::vector<Transformer::Routes>& routes) {
  check(routes.empty() || routes.size() == rows.batches.size(), "routes for every micro-batch or for none");
  optimizer_.zero_gradients();
  LossOptions options = settings.loss;
  options.target_count = std::max<std::int64_t>(rows.target_count, 1);
  options.forward.weights = make_weights(parameters_, optimizer_, options.forward, weights_);
  const torch::Tensor sums =
      torch::zeros({kLosses + blocks_ * experts_}, optimizer_.gradients().options().dtype(torch::kFloat64));
  const torch::Tensor losses_sum = sums.narrow(0, 0, kLosses);
  const torch::Tensor loads = sums.narrow(0, kLosses, blocks_ * experts_).view({blocks_, experts_});
  for (std::size_t place = 0; place < rows.batches.size(); ++place) {
    const PackedBatch& batch = rows.batches[place];
    const Losses losses =
        routes.empty() ? transformer_.loss(batch, options) : transformer_.loss(batch, options, routes[place]);
    // With nothing to learn from (all padding, or no indexer in the model) there is nothing to differentiate.
    if (losses.total.requires_grad()) losses.total.backward();
    if (weights_ != nullptr) weights_->hand_over();
    std::vector<torch::Tensor> parts{losses.language, losses.mtp, losses.balance, losses.indexer};
    for (torch::Tensor& part : parts)
      part = part.defined() ? part.detach().to(sums.options()).squeeze() : torch::zeros({}, sums.options());
    losses_sum.add_(torch::stack(parts));
    loads.add_(losses.expert_loads.to(sums.options()));
  }
  ranks_.sum(optimizer_.gradients());
  ranks_.sum(sums);
  const torch::Tensor norm = optimizer_.clip(settings.clip);
  optimizer_.step(settings.sizes);
  balance_.update(loads, settings.balance_speed);
  return {.language = losses_sum[0],
          .mtp = losses_sum[1],
          .balance = losses_sum[2],
          .indexer = losses_sum[3],
          .gradient_norm = norm,
          .imbalance = balance_.imbalance(loads),
          .targets = rows.target_count,
          .bytes = rows.target_bytes};
}

}  // namespace fathom::train
