#include "fathom/spec/layer_choice.h"

#include <numeric>

#include "fathom/base/error.h"

namespace fathom {

ModelConfig with_layers(const ModelConfig& config, const std::vector<std::int64_t>& layers) {
  ModelConfig chosen = config;
  chosen.layers = std::ssize(layers);
  chosen.hash_layers = 0;
  chosen.compress_ratios.clear();
  std::int64_t least = 0;
  for (const std::int64_t layer : layers) {
    if (layer < least || layer >= config.layers)
      throw InputError("[layers] layer {} in place {}, expected rising numbers from {} to {}", layer,
                       chosen.compress_ratios.size() + 1, least, config.layers - 1);
    chosen.compress_ratios.push_back(config.ratio(layer));
    chosen.hash_layers += config.routes_by_hash(layer) ? 1 : 0;
    least = layer + 1;
  }
  chosen.compress_ratios.insert(chosen.compress_ratios.end(), config.compress_ratios.begin() + config.layers,
                                config.compress_ratios.end());
  return chosen;
}

ModelConfig with_first_layers(const ModelConfig& config, std::int64_t count) {
  if (count < 1 || count > config.layers)
    throw InputError("[layers] {} layers, expected 1 to the config's {}", count, config.layers);
  std::vector<std::int64_t> layers(static_cast<std::size_t>(count));
  std::iota(layers.begin(), layers.end(), 0);
  return with_layers(config, layers);
}

ModelConfig without_mtp(const ModelConfig& config) {
  ModelConfig trunk = config;
  trunk.mtp_layers = 0;
  trunk.compress_ratios.resize(static_cast<std::size_t>(config.layers));
  return trunk;
}

}  // namespace fathom
