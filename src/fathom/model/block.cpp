#include "fathom/model/block.h"

#include "fathom/model/attention.h"
#include "fathom/model/hyper_connections.h"
#include "fathom/model/moe.h"

namespace fathom {

void Block::forward(const Step& step, View<float, 3> streams) const {
  const auto [tokens, stream_count, channels] = streams.shape();
  const auto sublayer = [&](const HyperConnectionWeights& hc, const Floats& norm, const auto& forward) {
    const Arena::Scope scope(step.arena);
    const HyperConnections hyper_connections(config_, hc);
    const auto x = step.arena.take<float, 2>({tokens, channels});
    const auto y = step.arena.take<float, 2>({tokens, channels});
    const auto gates = hyper_connections.collapse(step, streams, norm.view(), x);
    forward(x, y, gates);
  };
  sublayer(weights_.hc_attn, weights_.attn_norm, [&](View<const float, 2> x, View<float, 2> y, const auto& gates) {
    Attention(config_, layout_, index_, weights_.attn).forward(step, x, y);
    HyperConnections(config_, weights_.hc_attn).expand(step, gates, y, streams);
  });
  sublayer(weights_.hc_ffn, weights_.ffn_norm, [&](View<const float, 2> x, View<float, 2> y, const auto& gates) {
    Moe(config_, index_, weights_.ffn).forward(step, x, y, HyperConnections::expansion(gates, y, streams));
  });
}

}  // namespace fathom
