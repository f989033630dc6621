#include "fathom/model/hyper_connections.h"

namespace fathom {

HyperConnections::Gates HyperConnections::collapse(const Step& step, View<const float, 3> streams,
                                                   View<float, 2> out) const {
  const auto [tokens, stream_count, channels] = streams.shape();
  const Gates gates{.pre = step.arena.take<float, 2>({tokens, stream_count}),
                    .post = step.arena.take<float, 2>({tokens, stream_count}),
                    .comb = step.arena.take<float, 3>({tokens, stream_count, stream_count})};
  const Arena::Scope scope(step.arena);
  const auto mix = step.arena.take<float, 2>({tokens, weights_.fn->out});
  step.backend.linear({.weight = *weights_.fn, .x = streams.reshape<2>({tokens, stream_count * channels}), .out = mix});
  step.backend.hyper_connection_gates({.streams = streams,
                                       .mix = mix,
                                       .scale = weights_.scale.view(),
                                       .base = weights_.base.view(),
                                       .iterations = config_.sinkhorn_iterations,
                                       .eps = config_.hc_eps,
                                       .norm_eps = config_.norm_eps,
                                       .pre = gates.pre,
                                       .post = gates.post,
                                       .comb = gates.comb});
  step.backend.collapse_streams({.streams = streams, .pre = gates.pre, .out = out});
  return gates;
}

void HyperConnections::expand(const Step& step, const Gates& gates, View<const float, 2> y,
                              View<float, 3> streams) const {
  step.backend.expand_streams({.y = y, .post = gates.post, .comb = gates.comb, .streams = streams});
}

}  // namespace fathom
