// Manifold-constrained hyper-connections (report 2.2): the residual is `streams` wide, a sublayer reads a mixture of
// the streams and writes back to all of them.  X' = comb^T X + post * F(pre X)
#pragma once

#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

class HyperConnections {
 public:
  HyperConnections(const ModelConfig& config, const HyperConnectionWeights& weights)
      : config_(config), weights_(weights) {}

  struct Gates {
    View<float, 2> pre;   // [tokens, streams]
    View<float, 2> post;  // [tokens, streams]
    View<float, 3> comb;  // [tokens, streams, streams]
  };

  static Gates take_gates(const Step& step, std::int64_t streams);
  // How a sublayer begins: streams [tokens, streams, channels] are read into its input [tokens, channels], normed by
  // `norm` [channels].
  HyperConnectionArgs beginning(const Step& step, View<const float, 3> streams, View<const float, 1> norm,
                                const Gates& gates, View<float, 2> out) const;
  // How the sublayer's output y [tokens, channels] is written back.
  static ExpandStreamsArgs expansion(const Gates& gates, View<const float, 2> y, View<float, 3> streams);

 private:
  const ModelConfig& config_;
  const HyperConnectionWeights& weights_;
};

}  // namespace fathom
