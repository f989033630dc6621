// A ModelConfig as the released config.json.
#pragma once

#include <string>

#include "fathom/spec/model_config.h"

namespace fathom {

// Every field that parse_model_config reads and those that other programs expect beside them; it reads back equal.
std::string model_config_json(const ModelConfig& config);

}  // namespace fathom
