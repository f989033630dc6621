// A model of some of another's layers: to measure a shape that is too large as a whole.
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/spec/model_config.h"

namespace fathom {

// These layers of the plan, each of its kind and routing by hash where it did, with the MTP blocks that followed.
// InputError unless the layers rise within the config's.
ModelConfig with_layers(const ModelConfig& config, const std::vector<std::int64_t>& layers);

// The first `count` of them.
ModelConfig with_first_layers(const ModelConfig& config, std::int64_t count);

// The trunk alone.
ModelConfig without_mtp(const ModelConfig& config);

}  // namespace fathom
