// How many drafted tokens a step should verify: as many as give the most tokens a second, by what was measured.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "fathom/engine/step_costs.h"

namespace fathom {

// The step that is to come, without the draft in question.
struct StepOutlook {
  double tokens = 1.0;         // that it is expected to give, over all sequences
  std::int64_t rows = 1;       // that go through the model
  double draft_seconds = 0.0;  // for each token that must be drafted still
  std::int64_t drafted = 0;    // need not be
};

struct DraftDepth {
  std::int64_t depth = 0;
  double gain = 1.0;    // of tokens a second, over the step without it
  double tokens = 0.0;  // expected of it
};

inline constexpr double kLeastDraftGain = 1.03;  // a smaller one is within what the estimates are wrong by

// rates [most]: of each drafted token to be right if all before it were. 0 where no depth gains as much as `least`.
DraftDepth best_depth(const StepOutlook& outlook, const StepCosts& costs, std::span<const double> rates,
                      double least = kLeastDraftGain);

// The same over all sequences of a step: how many more rows it should have, of which each is right so often [options],
// the best first. `drafting`: seconds to draft so many; none: they are there. 0 where no count gains at least as
// `gain`.
using DraftingSeconds = std::function<double(std::int64_t rows)>;
struct RowChoice {
  std::int64_t rows = 0;
  double gain = 1.0;
};
RowChoice best_rows(const StepOutlook& outlook, const StepCosts& costs, const DraftingSeconds& drafting,
                    std::span<const double> options, double gain);

}  // namespace fathom
