#include "fathom/trainer/gate.h"

#include "fathom/trainer/arithmetic.h"

namespace fathom::train {

using torch::Tensor;

// A stable sort gives equal scores to the lower expert.
Tensor Gate::choose(const Tensor& scores) const {
  const torch::NoGradGuard no_gradients;
  const ModelConfig& config = step_.config();
  if (config.routes_by_hash(block_)) return step_.hash_table(block_).index_select(0, step_.batch().ids.flatten());
  const Tensor biased = scores + step_.wide_weight(prefix_ + ".bias");
  const Tensor order = std::get<1>(biased.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true));
  return order.narrow(1, 0, config.selected_experts).contiguous();
}

// Per row of T real tokens: sum over experts of f_i P_i, f_i = experts / (selected T) * tokens routed to i, P_i the
// mean share of expert i in the scores. A row counts by its targets, so that rows, micro-batches and ranks just add up.
Tensor Gate::balance(const Tensor& scores, const Tensor& row_loads) const {
  const ModelConfig& config = step_.config();
  const Tensor real = step_.real().view({step_.rows(), -1, 1}).to(scores.scalar_type());
  const Tensor tokens = real.sum(1).clamp_min(1);  // [rows, 1]
  const Tensor shares = (scores / scores.sum(1, true)).view({step_.rows(), -1, config.experts});
  const Tensor mean_share = (shares * real).sum(1) / tokens;  // [rows, experts]
  const double factor = static_cast<double>(config.experts) / static_cast<double>(config.selected_experts);
  const Tensor frequency = row_loads.to(scores.scalar_type()) * factor / tokens;
  const Tensor targets = step_.batch().targets.ge(0).sum(1).to(scores.scalar_type());
  return ((frequency * mean_share).sum(1) * targets).sum();
}

Route Gate::forward(const Tensor& x, const Tensor& chosen) const {
  const ModelConfig& config = step_.config();
  const Tensor logits = project(x.to(step_.wide()), step_.wide_weight(prefix_));
  const Tensor scores = torch::softplus(logits).sqrt();
  Route route;
  route.selected = chosen.defined() ? chosen : choose(scores);
  const Tensor picked = scores.gather(1, route.selected);
  route.weights = picked / (picked.sum(1, true) + 1e-20) * static_cast<double>(config.route_scale);

  const Tensor counted = step_.real().unsqueeze(1).expand_as(route.selected).to(torch::kInt64);
  const Tensor row_loads =
      torch::zeros({step_.rows(), config.experts}, counted.options())
          .scatter_add_(1, route.selected.view({step_.rows(), -1}), counted.reshape({step_.rows(), -1}));
  route.loads = row_loads.sum(0);
  if (!config.routes_by_hash(block_)) route.balance = balance(scores, row_loads);
  return route;
}

}  // namespace fathom::train
