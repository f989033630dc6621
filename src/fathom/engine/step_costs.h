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
  // Of a pass over so many rows that nobody disturbs; by the nearest counts that were seen often enough where this one
  // was not. 0 before the first.
  double seconds(std::int64_t rows) const;
  bool known() const { return seen_from(1) > 0; }
  // So many rows or fewer were seen often enough: what seconds() says of them and of more is not a guess downwards.
  bool knows(std::int64_t rows) const { return seen_below(rows < kMostRows ? rows : kMostRows) > 0; }

 private:
  static constexpr std::int64_t kMostRows = 64;  // more count as so many
  static constexpr std::size_t kKept = 16;

  // The newest passes of one count of rows.
  class Seen {
   public:
    void add(double seconds);
    // Longer contexts make every pass longer: what one count's time changes by, others' change by too.
    void drift(double factor) { scale_ *= factor; }
    bool enough() const { return passes_ > kLeast; }
    bool steady() const { return passes_ > static_cast<std::int64_t>(kKept); }
    double seconds() const { return quartile_ * scale_; }

   private:
    static constexpr std::int64_t kLeast = 3;  // and one before them, which met cold memory

    std::array<double, kKept> kept_{};  // before scale_
    std::int64_t passes_ = 0;
    double scale_ = 1.0;
    double quartile_ = 0.0;  // a quarter of those kept were shorter: others' work lengthens passes and shortens none
  };

  std::int64_t seen_below(std::int64_t rows) const;  // 0: none
  std::int64_t seen_from(std::int64_t rows) const;   // 0: none

  std::array<Seen, kMostRows + 1> seen_{};  // by rows
};

}  // namespace fathom
