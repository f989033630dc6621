// For tests: an oracle's tensors under the transformers library's names.
#pragma once

#include "fathom/spec/model_config.h"
#include "tests/checkpoint/checkpoint_support.h"

namespace fathom::testing {

std::string transformers_name(std::string_view released);

// Renamed one by one; with `stacked`, each layer's experts in gate_up_proj and down_proj. MTP tensors are left out, as
// transformers leaves them.
LooseTensors as_transformers(const LooseTensors& tensors, const ModelConfig& config, bool stacked);

}  // namespace fathom::testing
