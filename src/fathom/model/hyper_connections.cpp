#include "fathom/model/hyper_connections.h"

namespace fathom {

HyperConnections::Gates HyperConnections::collapse(const Step& step, View<const float, 3> streams,
                                                   View<const float, 1> norm, View<float, 2> out) const {
  const auto [tokens, stream_count, channels] = streams.shape();
  const Gates gates{.pre = step.arena.take<float, 2>({tokens, stream_count}),
                    .post = step.arena.take<float, 2>({tokens, stream_count}),
                    .comb = step.arena.take<float, 3>({tokens, stream_count, stream_count})};
  step.backend.hyper_connection({.streams = streams,
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
                                 .out = out});
  return gates;
}

ExpandStreamsArgs HyperConnections::expansion(const Gates& gates, View<const float, 2> y, View<float, 3> streams) {
  return {.y = y, .post = gates.post, .comb = gates.comb, .streams = streams};
}

void HyperConnections::expand(const Step& step, const Gates& gates, View<const float, 2> y,
                              View<float, 3> streams) const {
  step.backend.expand_streams(expansion(gates, y, streams));
}

}  // namespace fathom
