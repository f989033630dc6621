#include "fathom/spec/step_size.h"

namespace fathom {

std::int64_t step_bytes(const ModelConfig& config, std::int64_t tokens) {
  const std::int64_t queries = config.heads * config.head_dim;
  const std::int64_t streams = config.streams * config.channels;
  const std::int64_t slots = config.selected_experts * 2 * (config.channels + 2 * config.expert_dim);
  const std::int64_t floats = 3 * queries + 4 * streams + slots;
  return tokens * floats * 5;  // 4 bytes, and a quarter for what is smaller
}

}  // namespace fathom
