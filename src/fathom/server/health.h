// What /health says, as JSON.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fathom/server/metrics.h"

namespace fathom::server {

struct Health {
  bool draining = false;
  std::string version;
  std::vector<ModelLoad> models;  // empty: the client may not know
};

std::string write_health(const Health& health);

}  // namespace fathom::server
