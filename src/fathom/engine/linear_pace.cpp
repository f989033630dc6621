#include "fathom/engine/linear_pace.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr double kFading = 0.95;  // the newest twenty count most

}  // namespace

void LinearPace::took(double amount, double seconds) {
  if (amount < 0.0 || seconds < 0.0) return;
  ++measured_;
  const auto add = [](double& sum, double value) { sum = kFading * sum + value; };
  add(weight_, 1.0);
  add(amounts_, amount);
  add(seconds_, seconds);
  add(squares_, amount * amount);
  add(products_, amount * seconds);
}

// Least squares: slope = (sum w * sum xy - sum x * sum y) / (sum w * sum xx - (sum x)^2)
double LinearPace::seconds(double amount) const {
  if (weight_ == 0.0) return 0.0;
  const double mean = seconds_ / weight_;
  const double spread = weight_ * squares_ - amounts_ * amounts_;
  if (spread <= 1e-9 * weight_ * squares_) return mean;  // all of one amount
  const double slope = std::max(0.0, (weight_ * products_ - amounts_ * seconds_) / spread);
  const double start = mean - slope * amounts_ / weight_;
  return start >= 0.0 ? start + slope * amount : products_ / squares_ * amount;
}

}  // namespace fathom
