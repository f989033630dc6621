// How many bytes a step's results take on their way, beside weights and caches.
#pragma once

#include <cstdint>

#include "fathom/spec/model_config.h"

namespace fathom {

// At most, of so many tokens, on a GPU: what the model keeps of a block, and what an operation keeps of its own. Flash
// takes 1.3 MB a token. Logits are not in it.
std::int64_t step_bytes(const ModelConfig& config, std::int64_t tokens);

}  // namespace fathom
