// How the learning rate and the weight of the MTP loss go over the steps of a stage (report, section 4.2).
#pragma once

#include <cstdint>

namespace fathom::train {

enum class DecayShape : std::uint8_t { cosine, linear };

// Linear from `begin` to `peak` in the first `warmup_steps`, constant, then down to `end` in the last part of the
// stage.
struct LearningRate {
  double begin = 0.0;
  double peak = 0.0;
  double end = 0.0;
  std::int64_t warmup_steps = 0;
  double decay_from = 1.0;  // share of the stage's steps after which the decay begins; 1: never
  DecayShape shape = DecayShape::cosine;

  bool operator==(const LearningRate&) const = default;
};

// The first step that decays, of `steps`; `steps` when none does.
std::int64_t first_decay_step(const LearningRate& rate, std::int64_t steps);
// At step 0 .. steps - 1. The last step of the warm-up has `peak`, the last of the decay has `end`.
double learning_rate_at(const LearningRate& rate, std::int64_t step, std::int64_t steps);

}  // namespace fathom::train
