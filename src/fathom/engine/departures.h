// When a place will be free: from the times at which sequences ended. A queue that is full moves by one then.
#pragma once

#include <chrono>
#include <optional>

namespace fathom {

class Departures {
 public:
  using Clock = std::chrono::steady_clock;

  // Something runs since then; nothing did before.
  void busy_from(Clock::time_point now) { last_ = now; }
  void departed(Clock::time_point now);
  // Seconds until the next, a guess from 1 to 120. As long as none ended: as long as it has taken already.
  double seconds_to_next(Clock::time_point now) const;

 private:
  std::optional<Clock::time_point> last_;  // departure, or begin of work
  std::optional<double> interval_;         // seconds, the newest weigh most
};

}  // namespace fathom
