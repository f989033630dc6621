// One transformer block: two sublayers, each between hyper-connections.
#pragma once

#include "fathom/model/cache_layout.h"
#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

class Block {
 public:
  Block(const ModelConfig& config, const CacheLayout& layout, std::int64_t index, const BlockWeights& weights)
      : config_(config), layout_(layout), index_(index), weights_(weights) {}

  // streams [tokens, streams, channels], in place. Extends every run's cache of this block by its tokens.
  void forward(const Step& step, View<float, 3> streams) const;

 private:
  const ModelConfig& config_;
  const CacheLayout& layout_;
  std::int64_t index_;
  const BlockWeights& weights_;
};

}  // namespace fathom
