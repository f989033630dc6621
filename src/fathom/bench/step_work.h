// What one step has to read and to compute, whoever does it: counted from the shape and from what was chosen, stage by
// stage. docs/bench.md says what is left out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fathom/bench/stages.h"
#include "fathom/ops/cache_format.h"
#include "fathom/spec/model_config.h"

namespace fathom::bench {

struct Work {
  double bytes = 0.0;
  double flops = 0.0;  // two a multiply-add

  Work& operator+=(const Work& other) {
    bytes += other.bytes;
    flops += other.flops;
    return *this;
  }
};

// A run of a step, and how many of its tokens want logits.
struct CountedRun {
  std::int64_t start = 0;
  std::int64_t tokens = 0;
  std::int64_t logits = 0;
};

// What a trunk layer chose in a step.
struct LayerChoice {
  std::int64_t experts = 0;  // different ones, over all tokens
  std::int64_t entries = 0;  // different ones that the indexer selected, over the tokens of a run; summed over runs
};

class StepWork {
 public:
  // Weights count at their released size.
  StepWork(const ModelConfig& config, CacheStorage storage);

  // One choice for each trunk layer.
  ByStage<Work> count(std::span<const CountedRun> runs, std::span<const LayerChoice> choices) const;
  // Of the map that makes a token's logits, which count() counts with whatever else lies in its stage.
  Work head() const { return head_; }

 private:
  // A stage's maps, which every token passes through, of all layers together.
  struct Maps {
    double bytes = 0.0;
    double elements = 0.0;
  };

  void count_attention(std::int64_t layer, std::span<const CountedRun> runs, const LayerChoice& choice,
                       ByStage<Work>& work) const;

  ModelConfig config_;
  double entry_bytes_ = 0.0;
  double index_key_bytes_ = 0.0;
  Work head_;
  double embed_row_bytes_ = 0.0;
  double hash_row_bytes_ = 0.0;  // of all hash layers
  double expert_bytes_ = 0.0;    // of one expert
  double expert_elements_ = 0.0;
  ByStage<Maps> of_tokens_{};  // passed by every token
  ByStage<Maps> of_logits_{};  // passed by tokens that want logits
};

Work total(const ByStage<Work>& work);

}  // namespace fathom::bench
