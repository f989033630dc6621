#include "fathom/checkpoint/random_distribution.h"

#include <cmath>

namespace fathom {
namespace {

// The gains keep streams, queries and logits near unit size: logits of deviation 2, sharper gates than values.
float gain(const TensorSpec& spec) {
  const bool down = spec.name.ends_with(".w2");
  switch (spec.role) {
    case TensorRole::head: return 2.0F;
    case TensorRole::router: return 1.5F;
    case TensorRole::compressor: return spec.name.ends_with("wgate") ? 1.5F : 1.0F;
    case TensorRole::expert:
    case TensorRole::shared_expert: return down ? 1.0F : 2.0F;
    default: return 1.0F;
  }
}

}  // namespace

RandomDistribution random_distribution(const TensorSpec& spec) {
  switch (spec.role) {
    case TensorRole::embedding: return {};
    case TensorRole::norm: return {.mean = 1.0F, .deviation = 0.2F, .least = 0.05F};
    case TensorRole::sink: return {};
    case TensorRole::position_bias:
    case TensorRole::hc_base: return {.deviation = 0.5F};
    case TensorRole::hc_scale: return {.mean = 1.0F, .deviation = 0.3F, .least = 0.05F};
    case TensorRole::router_bias: return {.deviation = 0.3F};
    default: return {.deviation = gain(spec) / std::sqrt(static_cast<float>(spec.shape.back()))};
  }
}

}  // namespace fathom
