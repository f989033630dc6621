#include "fathom/engine/departures.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr double kNewest = 0.25;  // weight of the newest interval
constexpr double kLeast = 1.0;
constexpr double kMost = 120.0;

double seconds_between(Departures::Clock::time_point from, Departures::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void Departures::departed(Clock::time_point now) {
  if (last_) {
    const double newest = seconds_between(*last_, now);
    interval_ = interval_ ? kNewest * newest + (1.0 - kNewest) * *interval_ : newest;
  }
  last_ = now;
}

double Departures::seconds_to_next(Clock::time_point now) const {
  const double since = last_ ? seconds_between(*last_, now) : 0.0;
  return std::clamp(interval_ ? std::max(*interval_, since) : since, kLeast, kMost);
}

}  // namespace fathom
