#include "fathom/model/hyper_connections.h"

namespace fathom {

HyperConnections::Gates HyperConnections::take_gates(const Step& step, std::int64_t streams) {
  const std::int64_t tokens = step.tokens();
  return {.pre = step.arena.take<float, 2>({tokens, streams}),
          .post = step.arena.take<float, 2>({tokens, streams}),
          .comb = step.arena.take<float, 3>({tokens, streams, streams})};
}

HyperConnectionArgs HyperConnections::beginning(const Step& step, View<const float, 3> streams,
                                                View<const float, 1> norm, const Gates& gates,
                                                View<float, 2> out) const {
  return {.streams = streams,
          .fn = *weights_.fn,
          .scale = weights_.scale.view(),
          .base = weights_.base.view(),
          .iterations = config_.sinkhorn_iterations,
          .eps = config_.hc_eps,
          .norm_eps = config_.norm_eps,
          .norm = norm,
          .arena = step.arena,
          .pre = gates.pre,
          .post = gates.post,
          .comb = gates.comb,
          .out = out};
}

ExpandStreamsArgs HyperConnections::expansion(const Gates& gates, View<const float, 2> y, View<float, 3> streams) {
  return {.y = y, .post = gates.post, .comb = gates.comb, .streams = streams};
}

}  // namespace fathom
