#include "fathom/checkpoint/hash_table.h"

#include <numeric>
#include <utility>

#include "fathom/checkpoint/random_values.h"

namespace fathom {

std::vector<std::int64_t> random_hash_table(const ModelConfig& config, std::uint64_t seed, std::string_view name) {
  RandomValues random(seed, name);
  std::vector<std::int64_t> experts(static_cast<std::size_t>(config.experts));
  std::iota(experts.begin(), experts.end(), 0);
  std::vector<std::int64_t> table;
  table.reserve(static_cast<std::size_t>(config.vocab * config.selected_experts));
  for (std::int64_t token = 0; token < config.vocab; ++token) {
    // The front of a Fisher-Yates shuffle.
    for (std::int64_t choice = 0; choice < config.selected_experts; ++choice)
      std::swap(experts[static_cast<std::size_t>(choice)],
                experts[static_cast<std::size_t>(choice + random.below(config.experts - choice))]);
    table.insert(table.end(), experts.begin(), experts.begin() + config.selected_experts);
  }
  return table;
}

}  // namespace fathom
