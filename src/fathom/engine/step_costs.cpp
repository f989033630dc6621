#include "fathom/engine/step_costs.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr double kRowMore = 0.05;  // of one row, before any count of rows nearby was seen: little, so that it is tried

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

double StepCosts::Seen::weight() const {
  return static_cast<double>(std::min<std::int64_t>(passes_, static_cast<std::int64_t>(kKept)));
}

void StepCosts::took(std::int64_t rows, double seconds) {
  if (rows < 1 || rows > kMostRows || seconds <= 0.0) return;
  Seen& seen = seen_[static_cast<std::size_t>(rows)];
  const double before = seen.seconds();
  const bool steady = seen.steady();
  seen.add(seconds);
  if (steady)
    for (Seen& other : seen_)
      if (&other != &seen) other.drift(seen.seconds() / before);
  level();
}

// Where more rows seem to take less, both are taken together: monotone regression by pooling neighbours.
void StepCosts::level() {
  levels_.clear();
  for (std::size_t rows = 1; rows < seen_.size(); ++rows) {
    if (!seen_[rows].enough()) continue;
    Level next{.seconds = seen_[rows].seconds(), .weight = seen_[rows].weight(), .rows = static_cast<double>(rows)};
    while (!levels_.empty() && levels_.back().seconds >= next.seconds) {
      const Level before = levels_.back();
      levels_.pop_back();
      const double weight = before.weight + next.weight;
      const auto pooled = [&](double a, double b) { return (before.weight * a + next.weight * b) / weight; };
      next = {
          .seconds = pooled(before.seconds, next.seconds), .weight = weight, .rows = pooled(before.rows, next.rows)};
    }
    levels_.push_back(next);
  }
}

bool StepCosts::tried_behind(double first, std::int64_t last) const {
  const std::int64_t end = std::min(last, kMostRows);
  for (auto rows = static_cast<std::int64_t>(first) + 1; rows <= end; ++rows)
    if (seen_[static_cast<std::size_t>(rows)].enough()) return true;
  return false;
}

double StepCosts::seconds(std::int64_t rows) const {
  if (levels_.empty()) return 0.0;
  const auto wanted = static_cast<double>(std::max<std::int64_t>(rows, 1));
  if (levels_.size() == 1) {
    const Level& one = levels_.front();
    return one.seconds * (1.0 + kRowMore * wanted) / (1.0 + kRowMore * one.rows);
  }
  auto above = std::find_if(levels_.begin(), levels_.end(), [&](const Level& level) { return level.rows >= wanted; });
  above = std::clamp(above, levels_.begin() + 1, levels_.end() - 1);  // beyond the ends it goes straight on
  const auto below = above - 1;
  const double slope = (above->seconds - below->seconds) / (above->rows - below->rows);
  double seconds = below->seconds + slope * (wanted - below->rows);
  // Prompts say little of a row or two more: in such a gap rows are cheap as far as none was tried.
  const bool gap = wanted > below->rows && wanted < above->rows && above->rows > 2.0 * below->rows;
  if (gap && !tried_behind(below->rows, rows))
    seconds = std::min(seconds, below->seconds * (1.0 + kRowMore * (wanted - below->rows)));
  return std::max(seconds, 0.5 * levels_.front().seconds);
}

}  // namespace fathom
