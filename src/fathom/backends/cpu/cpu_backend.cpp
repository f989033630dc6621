#include "fathom/backends/cpu/cpu_backend.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>

#include <algorithm>
#include <cctype>

#include "fathom/backends/cpu/instruction_set.h"
#include "fathom/base/processors.h"

namespace fathom {
namespace {

// Multiply-adds that are worth another thread: waking one costs about as long.
constexpr std::int64_t kSmallWork = std::int64_t{1} << 16;

}  // namespace

// Threads that may run anywhere have no memory near them.
CpuBackend::CpuBackend(const CpuOptions& options)
    : pool_(options.threads, options.pin),
      weight_memory_(options.pin ? std::vector<int>() : usable_processors().nodes()),
      mapped_experts_(options.mapped_experts),
      least_indexed_bytes_(options.least_indexed_bytes),
      head_sketch_(options.head_sketch),
      least_divided_sketch_(options.least_divided_sketch) {
  for (int thread = 0; thread < pool_.threads(); ++thread) scratch_.emplace_back(host_allocator());
}

CpuBackend::~CpuBackend() = default;

std::string CpuBackend::numerics() const {
  std::string set = instruction_set_in_use();
  std::transform(set.begin(), set.end(), set.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return fmt::format("cpu {} libc {}", set, gnu_get_libc_version());
}

std::int64_t CpuBackend::grain(std::int64_t work) {
  return std::max<std::int64_t>(1, kSmallWork / std::max<std::int64_t>(work, 1));
}

}  // namespace fathom
