#include "fathom/engine/load_choice.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr std::int64_t kLeastTokens = 16;  // a pass over fewer tells more of weights than of tokens
constexpr double kLeastHope = 0.2;         // however often: one is worth a look that takes five times as long
constexpr double kHope = 0.8;              // a disk four times too slow is tried again after seven loads

}  // namespace

void LoadChoice::model_read(std::int64_t tokens, double depth, double seconds) {
  if (tokens >= kLeastTokens) model_.took(depth, seconds / static_cast<double>(tokens));
}

void LoadChoice::disk_read(std::int64_t bytes, double seconds) {
  disk_.took(static_cast<double>(bytes), seconds);
  hope_ = 1.0;
}

// The sum over all depths of a straight line is its middle times their number.
double LoadChoice::seconds_by_model(const Offer& offer) const {
  const double middle = 0.5 * static_cast<double>(offer.from + offer.to);
  return static_cast<double>(offer.to - offer.from) * model_.seconds(middle);
}

bool LoadChoice::takes(const Offer& offer) {
  if (!model_.known() || !disk_.known()) return true;
  if (hope_ * seconds_from_disk(offer) <= seconds_by_model(offer)) return true;
  hope_ = std::max(kLeastHope, hope_ * kHope);
  return false;
}

}  // namespace fathom
