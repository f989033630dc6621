#include "fathom/engine/chunk_pace.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr std::int64_t kFewest = 16;  // below it a step's cost is that of the step, not of its tokens
constexpr double kNewest = 0.5;       // weight of the newest step
constexpr double kMostTargets = 3.0;  // that a step may take

}  // namespace

ChunkPace::ChunkPace(double target_seconds, std::int64_t most_tokens)
    : target_seconds_(target_seconds), most_tokens_(most_tokens) {}

std::int64_t ChunkPace::room() const {
  if (target_seconds_ == 0.0 || seconds_per_token_ == 0.0) return most_tokens_;
  const double tokens = std::min(target_seconds_ / seconds_per_token_, static_cast<double>(most_tokens_));
  return std::max({static_cast<std::int64_t>(tokens), std::min(kFewest, most_tokens_), worthwhile()});
}

// Tokens that take half of what a step without any takes; 0 where that leaves most of the target to tokens anyway, or
// is more than a step may take.
std::int64_t ChunkPace::worthwhile() const {
  if (!line_.known()) return 0;
  const double most = static_cast<double>(most_tokens_);
  const double alone = line_.seconds(0.0);
  const double a_token = (line_.seconds(most) - alone) / most;
  const double left = kMostTargets * target_seconds_ - alone;
  if (alone < target_seconds_ / 2 || left <= 0.0 || a_token <= 0.0) return 0;
  return static_cast<std::int64_t>(std::min({alone / 2 / a_token, left / a_token, most}));
}

void ChunkPace::took(std::int64_t prompt_tokens, double seconds) {
  if (prompt_tokens < kFewest) return;
  line_.took(static_cast<double>(prompt_tokens), seconds);
  const double newest = seconds / static_cast<double>(prompt_tokens);
  seconds_per_token_ = seconds_per_token_ == 0.0 ? newest : kNewest * newest + (1.0 - kNewest) * seconds_per_token_;
}

}  // namespace fathom
