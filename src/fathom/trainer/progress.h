// What the terminal shows of a run: one line per logged block of steps, and on a terminal a bar below them.
#pragma once

#include <cstdint>
#include <string>

#include "fathom/trainer/run_log.h"

namespace fathom::train {

struct ProgressFacts {
  std::int64_t steps = 0;  // of the whole run
  double tokens_per_second = 0.0;
  double seconds_left = 0.0;
};

// "12s", "3m 05s", "2h 07m", "3d 04h".
std::string duration_text(double seconds);
// "step 120/4000 dense  loss 3.2101 (1.234 bits/byte)  norm 0.81  lr 2.00e-03  12.3k tok/s  left 2h 07m"
std::string progress_line(const CurvePoint& point, const ProgressFacts& facts);
// "[=====>    ] 12 %", `width` columns of it between the brackets.
std::string progress_bar(std::int64_t step, std::int64_t steps, int width);

// Writes to standard output; a bar only when that is a terminal.
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void line(const std::string& text);
  void bar(std::int64_t step, std::int64_t steps);

 private:
  void clear();
  bool quiet_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace fathom::train
