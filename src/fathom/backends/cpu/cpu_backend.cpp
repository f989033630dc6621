#include "fathom/backends/cpu/cpu_backend.h"

#include <algorithm>

#include "fathom/base/processors.h"

namespace fathom {
namespace {

// Multiply-adds that are worth another thread: waking one costs about as long.
constexpr std::int64_t kSmallWork = std::int64_t{1} << 16;

// Threads that may run anywhere have no memory near them.
WeightMemory weight_memory(bool pinned) {
  const std::vector<int> nodes = usable_processors().nodes();
  return pinned ? WeightMemory({}, nodes.size() < 2) : WeightMemory(nodes);
}

}  // namespace

CpuBackend::CpuBackend(const CpuOptions& options)
    : pool_(options.threads, options.pin),
      weight_memory_(weight_memory(options.pin)),
      mapped_experts_(options.mapped_experts) {
  for (int thread = 0; thread < pool_.threads(); ++thread) scratch_.emplace_back(host_allocator());
}

CpuBackend::~CpuBackend() = default;

std::int64_t CpuBackend::grain(std::int64_t work) {
  return std::max<std::int64_t>(1, kSmallWork / std::max<std::int64_t>(work, 1));
}

}  // namespace fathom
