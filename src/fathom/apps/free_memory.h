// Memory that a process may still take: what the machine has free, or what its control group leaves, whichever is less.
#pragma once

#include <cstdint>
#include <filesystem>

namespace fathom {

std::int64_t free_memory_bytes();
// The same of another root, for tests: <root>/proc/meminfo, <root>/sys/fs/cgroup/memory.{max,current}. 0: not known.
std::int64_t free_memory_bytes(const std::filesystem::path& root);

}  // namespace fathom
