#include "fathom/spec/kv_size.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr std::int64_t kNopePerScale = 64;
constexpr std::int64_t kIndexPerScale = 32;
constexpr std::int64_t kEntryAlignment = 8;  // bytes

constexpr std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

// What one compressed entry of this layer costs, its indexer key included.
std::int64_t compressed_bytes(const ModelConfig& config, std::int64_t layer) {
  const bool csa = config.attention_kind(layer) == AttentionKind::csa;
  return kv_entry_bytes(config) + (csa ? index_key_bytes(config) : 0);
}

}  // namespace

std::int64_t kv_entry_bytes(const ModelConfig& config) {
  const std::int64_t nope = config.nope_dim();
  const std::int64_t bytes = nope + 2 * config.rope_dim + divide_up(nope, kNopePerScale);
  return divide_up(bytes, kEntryAlignment) * kEntryAlignment;
}

std::int64_t index_key_bytes(const ModelConfig& config) {
  return divide_up(config.index_dim, 2) + divide_up(config.index_dim, kIndexPerScale);
}

double kv_bytes_per_token(const ModelConfig& config) {
  double bytes = 0.0;
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    if (config.ratio(layer) == 0) continue;
    bytes += static_cast<double>(compressed_bytes(config, layer)) / static_cast<double>(config.ratio(layer));
  }
  return bytes;
}

std::int64_t window_bytes(const ModelConfig& config) { return config.layers * config.window * kv_entry_bytes(config); }

std::int64_t kv_bytes(const ModelConfig& config, std::int64_t tokens) {
  std::int64_t bytes = config.layers * std::min(tokens, config.window) * kv_entry_bytes(config);
  for (std::int64_t layer = 0; layer < config.layers; ++layer)
    if (config.ratio(layer) != 0) bytes += tokens / config.ratio(layer) * compressed_bytes(config, layer);
  return bytes;
}

}  // namespace fathom
