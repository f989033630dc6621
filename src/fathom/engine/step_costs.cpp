#include "fathom/engine/step_costs.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr double kNewest = 0.1;    // weight of the newest pass among those of its rows
constexpr double kDrift = 0.05;    // and on all others: longer contexts make every pass longer
constexpr double kOutlier = 2.5;   // a pass that waited for somebody else says little
constexpr double kRowMore = 0.05;  // of one row, before any second count of rows was seen: little, so that it is tried
constexpr std::int64_t kSure = 4;  // passes

}  // namespace

void StepCosts::took(std::int64_t rows, double seconds) {
  if (rows < 1 || seconds <= 0.0) return;
  const std::int64_t index = std::min(rows, kMost);
  Seen& seen = seen_[static_cast<std::size_t>(index)];
  if (seen.times >= kSure) seconds = std::min(seconds, kOutlier * seen.seconds);
  if (seen.times > 0) {
    const double drift = 1.0 + kDrift * (seconds / seen.seconds - 1.0);
    for (Seen& other : seen_)
      if (&other != &seen) other.seconds *= drift;
  }
  ++seen.times;
  const double weight = std::max(kNewest, 1.0 / static_cast<double>(seen.times));
  seen.seconds += weight * (seconds - seen.seconds);
}

std::int64_t StepCosts::seen_below(std::int64_t rows) const {
  for (std::int64_t index = rows; index > 0; --index)
    if (seen_[static_cast<std::size_t>(index)].times > 0) return index;
  return 0;
}

std::int64_t StepCosts::seen_from(std::int64_t rows) const {
  for (std::int64_t index = rows; index <= kMost; ++index)
    if (seen_[static_cast<std::size_t>(index)].times > 0) return index;
  return 0;
}

std::int64_t StepCosts::fewest() const { return seen_from(1); }

double StepCosts::seconds(std::int64_t rows) const {
  const std::int64_t wanted = std::clamp<std::int64_t>(rows, 1, kMost);
  const auto at = [&](std::int64_t index) { return seen_[static_cast<std::size_t>(index)].seconds; };
  const std::int64_t below = seen_below(wanted);
  const std::int64_t above = seen_from(wanted);
  if (below == wanted) return at(below);
  if (below == 0 && above == 0) return 0.0;
  if (below == 0) return at(above) / (1.0 + kRowMore * static_cast<double>(above - wanted));
  if (above == 0) {
    const std::int64_t before = seen_below(below - 1);
    const double slope = before == 0 ? kRowMore * at(below)
                                     : std::max(0.0, (at(below) - at(before)) / static_cast<double>(below - before));
    return at(below) + slope * static_cast<double>(wanted - below);
  }
  const double share = static_cast<double>(wanted - below) / static_cast<double>(above - below);
  return at(below) + share * (at(above) - at(below));
}

}  // namespace fathom
