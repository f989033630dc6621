// How long a pass takes by its rows, from passes that were made. One token more is nearly free where weights come from
// memory, and dear where the experts that the router chooses for it have to be read too: what was measured holds both.
// It changes how much is drafted and no token (docs/speculation.md).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace fathom {

class StepCosts {
 public:
  void took(std::int64_t rows, double seconds);
  // Of a pass over so many rows that nobody disturbs: more rows take no less. 0 before any count was seen often enough.
  double seconds(std::int64_t rows) const;
  bool known() const { return !levels_.empty(); }

 private:
  static constexpr std::int64_t kMostRows = 64;  // passes of more are not looked at
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
    double weight() const;

   private:
    static constexpr std::int64_t kLeast = 3;  // and one before them, which met cold memory

    std::array<double, kKept> kept_{};  // before scale_
    std::int64_t passes_ = 0;
    double scale_ = 1.0;
    double quartile_ = 0.0;  // a quarter of those kept were shorter: others' work lengthens passes and shortens none
  };
  // Counts that lie beside each other and take the same time, so far as can be told.
  struct Level {
    double seconds = 0.0;
    double weight = 0.0;
    double rows = 0.0;  // on average
  };

  void level();
  // Whether a count of rows in (first, last] was seen often enough.
  bool tried_behind(double first, std::int64_t last) const;

  std::array<Seen, kMostRows + 1> seen_{};  // by rows
  std::vector<Level> levels_;               // of those seen often enough; rows and seconds ascend
};

}  // namespace fathom
