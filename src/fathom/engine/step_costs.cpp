#include "fathom/engine/step_costs.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr double kRowMore = 0.05;  // of one row, before any second count of rows was seen: little, so that it is tried

}  // namespace

void StepCosts::Seen::add(double seconds) {
  if (passes_ == 0) {
    quartile_ = seconds;
    ++passes_;
    return;
  }
  kept_[static_cast<std::size_t>(passes_ - 1) % kKept] = seconds / scale_;
  ++passes_;
  std::array<double, kKept> sorted = kept_;
  const auto count = std::min<std::int64_t>(passes_ - 1, kKept);
  const auto quarter = sorted.begin() + count / 4;
  std::nth_element(sorted.begin(), quarter, sorted.begin() + count);
  quartile_ = *quarter;
}

void StepCosts::took(std::int64_t rows, double seconds) {
  if (rows < 1 || seconds <= 0.0) return;
  Seen& seen = seen_[static_cast<std::size_t>(std::min(rows, kMostRows))];
  const double before = seen.seconds();
  const bool steady = seen.steady();
  seen.add(seconds);
  if (!steady) return;
  for (Seen& other : seen_)
    if (&other != &seen) other.drift(seen.seconds() / before);
}

std::int64_t StepCosts::seen_below(std::int64_t rows) const {
  for (std::int64_t index = rows; index > 0; --index)
    if (seen_[static_cast<std::size_t>(index)].enough()) return index;
  return 0;
}

std::int64_t StepCosts::seen_from(std::int64_t rows) const {
  for (std::int64_t index = rows; index <= kMostRows; ++index)
    if (seen_[static_cast<std::size_t>(index)].enough()) return index;
  return 0;
}

double StepCosts::seconds(std::int64_t rows) const {
  const std::int64_t wanted = std::clamp<std::int64_t>(rows, 1, kMostRows);
  const auto at = [&](std::int64_t index) { return seen_[static_cast<std::size_t>(index)].seconds(); };
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
