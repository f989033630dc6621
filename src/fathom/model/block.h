// One transformer block: two sublayers, each between hyper-connections.
#pragma once

#include "fathom/model/cache_layout.h"
#include "fathom/model/hyper_connections.h"
#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

// What sublayers hand on: where one ends the next begins, so that each leaves the next one's input.
struct Residual {
  View<float, 3> streams;         // [tokens, streams, channels]
  View<float, 2> x;               // [tokens, channels]: what the coming sublayer reads
  HyperConnections::Gates gates;  // and how it is written back
};
Residual take_residual(const Step& step, View<float, 3> streams);

class Block {
 public:
  Block(const ModelConfig& config, const CacheLayout& layout, std::int64_t index, const BlockWeights& weights)
      : config_(config), layout_(layout), index_(index), weights_(weights) {}

  // streams [tokens, streams, channels], in place. Extends every run's cache of this block by its tokens.
  void forward(const Step& step, View<float, 3> streams) const;
  // One of several: the first one begins, each leaves what `next` begins with.
  void begin(const Step& step, const Residual& residual) const;
  void forward(const Step& step, const Residual& residual, const Block* next) const;

 private:
  HyperConnectionArgs beginning(const Step& step, const Residual& residual) const;

  const ModelConfig& config_;
  const CacheLayout& layout_;
  std::int64_t index_;
  const BlockWeights& weights_;
};

}  // namespace fathom
