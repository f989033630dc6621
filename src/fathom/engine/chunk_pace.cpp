#include "fathom/engine/chunk_pace.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr std::int64_t kFewest = 16;  // below it a step's cost is that of the step, not of its tokens
constexpr double kNewest = 0.5;       // weight of the newest step

}  // namespace

ChunkPace::ChunkPace(double target_seconds, std::int64_t most_tokens)
    : target_seconds_(target_seconds), most_tokens_(most_tokens) {}

std::int64_t ChunkPace::room() const {
  if (target_seconds_ == 0.0 || seconds_per_token_ == 0.0) return most_tokens_;
  const double tokens = std::min(target_seconds_ / seconds_per_token_, static_cast<double>(most_tokens_));
  return std::max(static_cast<std::int64_t>(tokens), std::min(kFewest, most_tokens_));
}

void ChunkPace::took(std::int64_t prompt_tokens, double seconds) {
  if (prompt_tokens < kFewest) return;
  const double newest = seconds / static_cast<double>(prompt_tokens);
  seconds_per_token_ = seconds_per_token_ == 0.0 ? newest : kNewest * newest + (1.0 - kNewest) * seconds_per_token_;
}

}  // namespace fathom
