#include "fathom/model/block.h"

#include <optional>

#include "fathom/model/attention.h"
#include "fathom/model/moe.h"

namespace fathom {

Residual take_residual(const Step& step, View<float, 3> streams) {
  const auto [tokens, stream_count, channels] = streams.shape();
  return {.streams = streams,
          .x = step.arena.take<float, 2>({tokens, channels}),
          .gates = HyperConnections::take_gates(step, stream_count)};
}

void Block::forward(const Step& step, View<float, 3> streams) const {
  const Arena::Scope scope(step.arena);
  const Residual residual = take_residual(step, streams);
  begin(step, residual);
  forward(step, residual, nullptr);
}

HyperConnectionArgs Block::beginning(const Step& step, const Residual& residual) const {
  return HyperConnections(config_, weights_.hc_attn)
      .beginning(step, residual.streams, weights_.attn_norm.view(), residual.gates, residual.x);
}

void Block::begin(const Step& step, const Residual& residual) const {
  step.backend.hyper_connection(beginning(step, residual));
}

void Block::forward(const Step& step, const Residual& residual, const Block* next) const {
  const Arena::Scope scope(step.arena);
  const auto& [streams, x, gates] = residual;
  const auto y = step.arena.take<float, 2>(x.shape());
  const ExpandStreamsArgs into = HyperConnections::expansion(gates, y, streams);

  Attention(config_, layout_, index_, weights_.attn).forward(step, x, y);
  const HyperConnectionArgs moe_begins =
      HyperConnections(config_, weights_.hc_ffn).beginning(step, streams, weights_.ffn_norm.view(), gates, x);
  step.backend.between_sublayers({.into = into, .next = &moe_begins});

  std::optional<HyperConnectionArgs> next_begins;
  if (next != nullptr) next_begins.emplace(next->beginning(step, residual));
  Moe(config_, index_, weights_.ffn)
      .forward(step, x, y, {.into = into, .next = next_begins.has_value() ? &*next_begins : nullptr});
}

}  // namespace fathom
