#include "fathom/model/moe.h"

namespace fathom {

void Moe::shared_expert(const Step& step, View<const float, 2> x, View<float, 2> out) const {
  const auto gate = step.arena.take<float, 2>({step.tokens(), weights_.shared.w1->out});
  const auto up = step.arena.take<float, 2>({step.tokens(), weights_.shared.w3->out});
  step.backend.linear({.weight = *weights_.shared.w1, .x = x, .out = gate});
  step.backend.linear({.weight = *weights_.shared.w3, .x = x, .out = up});
  // The shared expert is clamped too, and carries no weight.
  step.backend.swiglu({.gate = gate, .up = up, .limit = config_.swiglu_limit, .weight = {}, .out = gate});
  step.backend.linear({.weight = *weights_.shared.w2, .x = gate, .out = out});
}

void Moe::forward(const Step& step, View<const float, 2> x, View<float, 2> out) const {
  const Arena::Scope scope(step.arena);
  const std::int64_t tokens = step.tokens();
  const auto logits = step.arena.take<float, 2>({tokens, config_.experts});
  step.backend.linear({.weight = *weights_.gate, .x = x, .out = logits});

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
  step.backend.route(route);
  if (step.observer != nullptr) step.observer->on_route(block_, route);

  step.backend.experts({.x = x,
                        .selected = selected,
                        .weights = route_weights,
                        .experts = weights_.experts,
                        .limit = config_.swiglu_limit,
                        .arena = step.arena,
                        .out = out});
  if (weights_.shared.w1 != nullptr) {
    const auto shared = step.arena.take<float, 2>({tokens, config_.channels});
    shared_expert(step, x, shared);
    step.backend.add({.x = shared, .out = out});
  }
}

}  // namespace fathom
