// The table by which hash layers route: random, with different experts for each token.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "fathom/spec/model_config.h"

namespace fathom {

// tid2eid, row-major [vocab, selected_experts], in any order; drawn from `seed` and the tensor's name.
std::vector<std::int64_t> random_hash_table(const ModelConfig& config, std::uint64_t seed, std::string_view name);

}  // namespace fathom
