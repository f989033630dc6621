#include "fathom/trainer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fathom::train {

std::int64_t first_decay_step(const LearningRate& rate, std::int64_t steps) {
  if (rate.decay_from >= 1.0) return steps;
  const auto first = static_cast<std::int64_t>(std::floor(rate.decay_from * static_cast<double>(steps)));
  return std::clamp(first, std::min(rate.warmup_steps, steps), steps);
}

double learning_rate_at(const LearningRate& rate, std::int64_t step, std::int64_t steps) {
  if (step < rate.warmup_steps)
    return rate.begin +
           (rate.peak - rate.begin) * static_cast<double>(step + 1) / static_cast<double>(rate.warmup_steps);
  const std::int64_t first = first_decay_step(rate, steps);
  if (step < first) return rate.peak;
  const double progress = std::min(1.0, static_cast<double>(step - first + 1) / static_cast<double>(steps - first));
  const double left =
      rate.shape == DecayShape::linear ? 1.0 - progress : 0.5 + 0.5 * std::cos(std::numbers::pi * progress);
  return rate.end + (rate.peak - rate.end) * left;
}

}  // namespace fathom::train
