// What every part of an evaluation is given besides its own suite.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include "fathom/evaluation/answer_log.h"
#include "fathom/evaluation/asking.h"

namespace fathom {

// How much of a suite is asked.
struct Amount {
  std::int64_t limit = 0;  // of each list; 0: all
  double scale = 1.0;      // of what is counted in the suite and made from a text: recall's texts, gaps in code

  std::int64_t limited(std::int64_t count) const { return limit > 0 ? std::min(limit, count) : count; }
  std::int64_t scaled(std::int64_t count) const {
    return limited(std::max<std::int64_t>(1, std::int64_t{std::llround(static_cast<double>(count) * scale)}));
  }
};

struct PartContext {
  const EvaluatedModel& model;
  Amount amount;
  AnswerLog& log;
  std::function<void(double share)> progress;
};

}  // namespace fathom
