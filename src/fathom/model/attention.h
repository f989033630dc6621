// Attention of one block (report 2.3): sliding window, CSA and HCA are one sparse attention with a sink; they differ in
// which compressed entries a query may see besides its window.
#pragma once

#include "fathom/model/cache_layout.h"
#include "fathom/model/compressor.h"
#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

class Attention {
 public:
  Attention(const ModelConfig& config, const CacheLayout& layout, std::int64_t block, const AttentionWeights& weights)
      : config_(config), layout_(layout), block_(block), weights_(weights) {}

  // x [tokens, channels] -> out [tokens, channels]. Extends every run's cache by its tokens.
  void forward(const Step& step, View<const float, 2> x, View<float, 2> out) const;

 private:
  CompressorPlan entries_plan(const Step& step) const;
  const RotaryAngles& angles(const Step& step) const;

  const ModelConfig& config_;
  const CacheLayout& layout_;
  std::int64_t block_;
  const AttentionWeights& weights_;
};

}  // namespace fathom
