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

  // Reads streams [tokens, streams, channels] into the sublayer's input [tokens, channels], normed by `norm`
  // [channels].
  Gates collapse(const Step& step, View<const float, 3> streams, View<const float, 1> norm, View<float, 2> out) const;
  // How the sublayer's output y [tokens, channels] is written back.
  static ExpandStreamsArgs expansion(const Gates& gates, View<const float, 2> y, View<float, 3> streams);
  // Writes the sublayer's output y [tokens, channels] back.
  void expand(const Step& step, const Gates& gates, View<const float, 2> y, View<float, 3> streams) const;

 private:
  const ModelConfig& config_;
  const HyperConnectionWeights& weights_;
};

}  // namespace fathom
