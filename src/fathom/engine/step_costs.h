// How long a pass takes by its rows, from passes that were made. One token more is nearly free where weights come from
// memory, and dear where the experts that the router chooses for it have to be read too: what was measured holds both.
// It changes how much is drafted and no token (docs/speculation.md).
#pragma once

#include <array>
#include <cstdint>

namespace fathom {

class StepCosts {
 public:
  void took(std::int64_t rows, double seconds);
  // Of a pass over so many rows; by the nearest counts that were seen where this one was not. 0 before the first.
  double seconds(std::int64_t rows) const;
  bool known() const { return fewest() > 0; }

 private:
  static constexpr std::int64_t kMost = 64;  // rows; more count as so many
  struct Seen {
    double seconds = 0.0;
    std::int64_t times = 0;
  };

  std::int64_t fewest() const;
  std::int64_t seen_below(std::int64_t rows) const;  // 0: none
  std::int64_t seen_from(std::int64_t rows) const;   // 0: none

  std::array<Seen, kMost + 1> seen_{};  // by rows
};

}  // namespace fathom
