#include "fathom/trainer/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace fathom::train {

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0.0) return "?";
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m {:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h {:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d {:02}h", whole / 86400, whole / 3600 % 24);
}

std::string progress_line(const CurvePoint& point, const ProgressFacts& facts) {
  const std::string bits = point.bits_per_byte > 0.0 ? fmt::format(" ({:.3f} bits/byte)", point.bits_per_byte) : "";
  const std::string speed = facts.tokens_per_second >= 1e4 ? fmt::format("{:.1f}k", facts.tokens_per_second / 1e3)
                                                           : fmt::format("{:.0f}", facts.tokens_per_second);
  const std::string indexer = point.indexer != 0.0 ? fmt::format("  indexer {:.4f}", point.indexer) : "";
  return fmt::format("step {}/{} {}  loss {:.4f}{}{}  norm {:.2f}  load {:.2f}  lr {:.2e}  {} tok/s  left {}",
                     point.step, facts.steps, point.stage, point.loss, bits, indexer, point.gradient_norm,
                     point.imbalance, point.learning_rate, speed, duration_text(facts.seconds_left));
}

std::string progress_bar(std::int64_t step, std::int64_t steps, int width) {
  const double share = steps > 0 ? std::clamp(static_cast<double>(step) / static_cast<double>(steps), 0.0, 1.0) : 1.0;
  const int filled = static_cast<int>(share * width);
  std::string bar(static_cast<std::size_t>(filled), '=');
  if (filled < width) bar += '>';
  bar.resize(static_cast<std::size_t>(width), ' ');
  return fmt::format("[{}] {} %", bar, static_cast<int>(share * 100.0));
}

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(::isatty(STDOUT_FILENO) == 1) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stdout);
  std::fflush(stdout);
  shown_ = false;
}

void Progress::line(const std::string& text) {
  if (quiet_) return;
  clear();
  std::fputs((text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void Progress::bar(std::int64_t step, std::int64_t steps) {
  if (quiet_ || !terminal_) return;
  std::fputs(("\r" + progress_bar(step, steps, 40) + "\x1b[K").c_str(), stdout);
  std::fflush(stdout);
  shown_ = true;
}

}  // namespace fathom::train
