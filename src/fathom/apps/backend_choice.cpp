#include "fathom/apps/backend_choice.h"

#include <CLI/CLI.hpp>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/reference/reference_backend.h"

namespace fathom {

void add_backend_options(CLI::App& command, BackendChoice& choice) {
  command.add_option("--backend", choice.name, "cpu (vector kernels) or reference (plain loops, slow)")
      ->check(CLI::IsMember({"cpu", "reference"}))
      ->envname("FATHOM_BACKEND")
      ->capture_default_str();
  command.add_option("--threads", choice.threads, "compute threads; 0: one per core")
      ->check(CLI::Range(0, 1024))
      ->envname("FATHOM_THREADS")
      ->capture_default_str();
}

std::unique_ptr<Backend> make_backend(const BackendChoice& choice) {
  if (choice.name == "reference") return std::make_unique<ReferenceBackend>();
  return std::make_unique<CpuBackend>(CpuOptions{.threads = choice.threads});
}

}  // namespace fathom
