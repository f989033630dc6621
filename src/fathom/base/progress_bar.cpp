#include "fathom/base/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace fathom {
namespace {

constexpr int kCells = 30;
constexpr double kToldAfter = 2.0;  // seconds before a rest is guessed
constexpr std::chrono::milliseconds kBetween{100};

std::string duration(double seconds) {
  const std::int64_t whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

}  // namespace

std::string progress_line(std::string_view what, double share, double seconds, std::string_view note) {
  share = std::clamp(share, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(share * kCells);
  std::string line = fmt::format("{}  [{}{}] {:3.0f} %  {}", what, std::string(full, '#'),
                                 std::string(kCells - full, '-'), share * 100, duration(seconds));
  if (seconds >= kToldAfter && share > 0.0 && share < 1.0)
    line += fmt::format(", {} to go", duration(seconds / share * (1.0 - share)));
  if (!note.empty()) line += fmt::format("  {}", note);
  return line;
}

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)), at_terminal_(::isatty(STDERR_FILENO) == 1), begin_(Clock::now()), last_(begin_) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::show(double share, std::string_view note) {
  if (!at_terminal_) return;
  const Clock::time_point now = Clock::now();
  if (drawn_ && now - last_ < kBetween) return;
  last_ = now;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  std::fputs(("\r" + progress_line(what_, share, seconds, note) + "\x1b[K").c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace fathom
