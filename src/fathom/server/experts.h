// GET /experts: which experts the models' routers choose, layer by layer. Sums over all accounts, as /metrics does; a
// resource of its own, for there are thousands of figures.
#pragma once

#include <string>
#include <vector>

#include "fathom/engine/generator.h"

namespace fathom::server {

struct ModelExperts {
  std::string model;  // as it is loaded: the ids that share it, joined by a comma
  std::vector<BlockChoices> blocks;
};

std::string write_experts(const std::vector<ModelExperts>& models);

}  // namespace fathom::server
