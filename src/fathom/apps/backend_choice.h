// Which backend computes: the one place that names the concrete ones.
#pragma once

#include <memory>
#include <string>

#include "fathom/ops/backend.h"

namespace CLI {
class App;
}

namespace fathom {

struct BackendChoice {
  std::string name = "cpu";  // cpu or reference
  int threads = 0;           // 0: one per core
};

void add_backend_options(CLI::App& command, BackendChoice& choice);
std::unique_ptr<Backend> make_backend(const BackendChoice& choice);

}  // namespace fathom
