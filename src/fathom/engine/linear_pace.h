// A time that grows in a straight line, fitted to the newest of what was measured.
#pragma once

#include <cstdint>

namespace fathom {

class LinearPace {
 public:
  void took(double amount, double seconds);
  // Enough was measured to tell.
  bool known() const { return measured_ >= kLeast; }
  // Of such an amount; what was measured is never taken to shrink with it, nor to begin below nothing.
  double seconds(double amount) const;

 private:
  static constexpr std::int64_t kLeast = 4;

  std::int64_t measured_ = 0;
  // Sums in which each measurement weighs a little less than the one after it.
  double weight_ = 0.0;
  double amounts_ = 0.0;
  double seconds_ = 0.0;
  double squares_ = 0.0;
  double products_ = 0.0;
};

}  // namespace fathom
