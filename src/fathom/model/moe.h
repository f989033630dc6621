// Mixture of experts (report 2.1): a gate that scores or hashes, the chosen experts, and the shared expert of every
// token.
#pragma once

#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

class Moe {
 public:
  Moe(const ModelConfig& config, std::int64_t block, const MoeWeights& weights)
      : config_(config), block_(block), weights_(weights) {}

  // x [tokens, channels] -> out [tokens, channels], which is written back to the streams and scratch afterwards.
  void forward(const Step& step, View<const float, 2> x, View<float, 2> out, const BetweenSublayersArgs& end) const;

 private:
  const ModelConfig& config_;
  std::int64_t block_;
  const MoeWeights& weights_;
};

}  // namespace fathom
