#include "fathom/bench/choice_observer.h"

#include <algorithm>

#include "fathom/ops/downloaded.h"

namespace fathom::bench {
namespace {

// How many different numbers, without the -1 behind a choice.
std::int64_t different(std::vector<std::int32_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const auto end = std::unique(numbers.begin(), numbers.end());
  return end - std::lower_bound(numbers.begin(), end, 0);
}

}  // namespace

ChoiceObserver::ChoiceObserver(Backend& backend, std::int64_t layers)
    : backend_(backend), choices_(static_cast<std::size_t>(layers)) {}

void ChoiceObserver::on_route(std::int64_t block, const RouteArgs& route) {
  choices_[static_cast<std::size_t>(block)].experts = different(downloaded(backend_, route.selected));
}

void ChoiceObserver::on_index(std::int64_t block, const IndexTopKArgs& index) {
  std::int64_t& entries = choices_[static_cast<std::size_t>(block)].entries;
  entries = 0;
  for (const Run& run : index.runs)
    entries += different(downloaded(backend_, index.selected.rows(run.first_row, run.tokens)));
}

}  // namespace fathom::bench
