// What was measured, and what the machine could have done.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/bench/spread.h"
#include "fathom/bench/step_work.h"

namespace fathom::bench {

enum class Phase : std::uint8_t { prefill, decode };

constexpr std::string_view name_of(Phase phase) { return phase == Phase::prefill ? "prefill" : "decode"; }

// A prefill reads a prompt of `tokens` into an empty cache; a decode gives each of `batch` sequences of `depth` tokens
// one more.
struct Case {
  Phase phase = Phase::decode;
  std::int64_t tokens = 1;  // a sequence
  std::int64_t depth = 0;
  std::int64_t batch = 1;
};

struct StageSeconds {
  ByStage<Spread> stages{};
  Spread rest;  // between the operations, and in no stage
};

// What the machine can do, in bytes and operations a second; 0: not known.
struct Yardstick {
  double read_bytes = 0.0;
  double flops = 0.0;
};

// Of each the better.
constexpr Yardstick better(const Yardstick& one, const Yardstick& other) {
  return {.read_bytes = std::max(one.read_bytes, other.read_bytes), .flops = std::max(one.flops, other.flops)};
}

// Of one prompt, or of one step.
struct Measurement {
  Case what;
  int threads = 0;  // 0 on a GPU
  Spread seconds;
  ByStage<Work> work{};
  std::optional<StageSeconds> stages = std::nullopt;
  Yardstick machine = {};  // measured before and after, the better of each

  std::int64_t tokens() const { return what.tokens * what.batch; }
  double tokens_per_second() const { return static_cast<double>(tokens()) / seconds.median; }
};

// The least time that the work could take: of its bytes or of its operations, whichever is longer. 0 when nothing is
// known of the machine.
constexpr double bound_seconds(const Work& work, const Yardstick& yardstick) {
  const double reading = yardstick.read_bytes > 0.0 ? work.bytes / yardstick.read_bytes : 0.0;
  const double computing = yardstick.flops > 0.0 ? work.flops / yardstick.flops : 0.0;
  return std::max(reading, computing);
}

// All of a run, and of what.
struct Report {
  std::string subject;  // "flash, first 3 layers"
  std::string device;
  std::vector<Measurement> measurements;
};

}  // namespace fathom::bench
