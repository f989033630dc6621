#include "fathom/model/moe.h"

namespace fathom {

void Moe::forward(const Step& step, View<const float, 2> x, View<float, 2> out, const BetweenSublayersArgs& end) const {
  const Arena::Scope scope(step.arena);
  const std::int64_t tokens = step.tokens();
  const auto logits = step.arena.take<float, 2>({tokens, config_.experts});
  const bool hashed = config_.routes_by_hash(block_);
  const auto selected = step.arena.take<std::int32_t, 2>({tokens, config_.selected_experts});
  const auto route_weights = step.arena.take<float, 2>({tokens, config_.selected_experts});
  const RouteArgs route{.logits = logits,
                        .bias = weights_.gate_bias.view(),
                        .hash = hashed ? weights_.tid2eid.matrix(config_.vocab) : View<const std::int32_t, 2>(),
                        .ids = step.ids,
                        .route_scale = config_.route_scale,
                        .selected = selected,
                        .weights = route_weights};
  step.backend.mixture({.x = x,
                        .gate = *weights_.gate,
                        .logits = logits,
                        .route = route,
                        .experts = weights_.experts,
                        .shared = weights_.shared,
                        .limit = config_.swiglu_limit,
                        .arena = step.arena,
                        .out = out,
                        .into = end.into,
                        .next = end.next});
  if (step.observer != nullptr) step.observer->on_route(block_, route);
  if (step.expert_use != nullptr) step.expert_use->count(block_, selected);
}

}  // namespace fathom
