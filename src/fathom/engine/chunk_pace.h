// How many tokens of prompts may go in a step beside sequences that decode, so that their next token comes in time:
// from how long steps took. It moves work between steps and changes no answer (docs/invariance.md).
//
// Where a step costs the most of its time whatever it reads, as on a GPU that has experts brought for it, few tokens
// would cost as much as many: then a step may take up to three times the target, as long as its tokens are a third of
// it.
#pragma once

#include <cstdint>

#include "fathom/engine/linear_pace.h"

namespace fathom {

class ChunkPace {
 public:
  // `target_seconds` for a step, 0: any; `most_tokens` a step may carry.
  ChunkPace(double target_seconds, std::int64_t most_tokens);
  std::int64_t room() const;
  // A step with so many tokens of prompts took so long.
  void took(std::int64_t prompt_tokens, double seconds);

 private:
  std::int64_t worthwhile() const;

  double target_seconds_;
  std::int64_t most_tokens_;
  double seconds_per_token_ = 0.0;  // 0: not known yet
  LinearPace line_;                 // by tokens
};

}  // namespace fathom
