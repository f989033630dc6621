#include "fathom/engine/draft_depth.h"

#include <algorithm>

namespace fathom {

DraftDepth best_depth(const StepOutlook& outlook, const StepCosts& costs, std::span<const double> rates, double least) {
  DraftDepth best;
  const double plain = costs.seconds(outlook.rows);
  if (plain <= 0.0) return best;
  double all_right = 1.0;
  double more = 0.0;
  for (std::int64_t depth = 1; depth <= std::ssize(rates); ++depth) {
    all_right *= rates[static_cast<std::size_t>(depth - 1)];
    more += all_right;
    const double drafting =
        outlook.draft_seconds * static_cast<double>(std::max<std::int64_t>(0, depth - outlook.drafted));
    const double seconds = costs.seconds(outlook.rows + depth) + drafting;
    const double gain = (outlook.tokens + more) / seconds * plain / outlook.tokens;
    if (gain > std::max(best.gain, least)) best = {.depth = depth, .gain = gain, .tokens = more};
  }
  return best;
}

RowChoice best_rows(const StepOutlook& outlook, const StepCosts& costs, const DraftingSeconds& drafting,
                    std::span<const double> options, double gain) {
  RowChoice best{.rows = 0, .gain = gain};
  const double plain = costs.seconds(outlook.rows);
  if (plain <= 0.0) return {};
  double more = 0.0;
  for (std::int64_t rows = 1; rows <= std::ssize(options); ++rows) {
    more += options[static_cast<std::size_t>(rows - 1)];
    const double spent = drafting ? drafting(rows) : 0.0;
    const double found =
        (outlook.tokens + more) / (costs.seconds(outlook.rows + rows) + spent) * plain / outlook.tokens;
    if (found > best.gain) best = {.rows = rows, .gain = found};
  }
  return best;
}

}  // namespace fathom
