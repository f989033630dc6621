// How far a long work is, on one line of standard error, when that is a terminal:
//   tokenizing  [#########-----------]  47 %  12 s, 13 s to go
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace fathom {

// The line without colour or cursor movements: `share` in [0, 1], `seconds` since the beginning.
std::string progress_line(std::string_view what, double share, double seconds, std::string_view note);

class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  // Takes the line away.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Any number of calls; the line is drawn ten times a second.
  void show(double share, std::string_view note = {});

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  bool at_terminal_ = false;
  bool drawn_ = false;
  Clock::time_point begin_;
  Clock::time_point last_;
};

}  // namespace fathom
