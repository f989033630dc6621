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
                               .released_precision = stage.released_precision,
                               .plain_residuals = recipe.plain_residuals},
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
      experts_(parameters.config().experts) {
  const auto options = optimizer_.gradients().options();
  sums_ = torch::zeros({kLosses + blocks_ * experts_}, options.dtype(torch::kFloat64));
  target_share_ = torch::ones({}, options);
}

// One micro-batch's gradients and measures, added to what is there. The host waits for nothing.
void TrainStep::learn_from(const PackedBatch& batch, const LossOptions& options, const Transformer::Routes& routes) {
  const Losses losses = routes.empty() ? transformer_.loss(batch, options) : transformer_.loss(batch, options, routes);
  // With nothing to learn from (all padding, or no indexer in the model) there is nothing to differentiate.
  if (losses.total.requires_grad()) losses.total.backward();
  if (weights_ != nullptr) weights_->hand_over();
  std::vector<torch::Tensor> parts{losses.language, losses.mtp, losses.balance, losses.indexer};
  for (torch::Tensor& part : parts)
    part = part.defined() ? part.detach().to(sums_.options()).squeeze() : torch::zeros({}, sums_.options());
  const torch::NoGradGuard no_gradients;
  sums_.narrow(0, 0, kLosses).add_(torch::stack(parts));
  sums_.narrow(0, kLosses, blocks_ * experts_).add_(losses.expert_loads.to(sums_.options()).flatten());
}

StepMeasures TrainStep::run(const StepRows& rows, const StepSettings& settings,
                            const std::vector<Transformer::Routes>& routes) {
  check(routes.empty() || routes.size() == rows.batches.size(), "routes for every micro-batch or for none");
  optimizer_.zero_gradients();
  LossOptions options = settings.loss;
  options.target_count = std::max<std::int64_t>(rows.target_count, 1);
  options.forward.weights = make_weights(parameters_, optimizer_, options.forward, weights_);
  sums_.zero_();
  if (options.forward.weights != nullptr) {
    target_share_.fill_(1.0 / static_cast<double>(options.target_count));
    options.target_share = target_share_;
  }
  const std::string key =
      fmt::format("{} {} {} {} {}", static_cast<int>(options.forward.attention), options.forward.released_precision,
                  options.mtp_weight, options.balance_weight, options.indexer_weight);
  for (std::size_t place = 0; place < rows.batches.size(); ++place) {
    const PackedBatch& batch = rows.batches[place];
    if (routes.empty() && options.forward.weights != nullptr) {
      recorded_.run(key, batch, [&](const PackedBatch& given) { learn_from(given, options, {}); });
    } else {
      for (const torch::Tensor& tensor : batch.tensors()) device::keep_until_used(tensor);
      learn_from(batch, options, routes.empty() ? Transformer::Routes{} : routes[place]);
    }
  }
  const torch::Tensor sums = sums_.clone();
  const torch::Tensor losses_sum = sums.narrow(0, 0, kLosses);
  const torch::Tensor loads = sums.narrow(0, kLosses, blocks_ * experts_).view({blocks_, experts_});
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
