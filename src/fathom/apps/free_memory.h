// Memory that a process may still take: what the machine has free, or what its control groups leave, whichever is less.
// Page cache counts as free.
#pragma once

#include <cstdint>
#include <filesystem>

namespace fathom {

std::int64_t free_memory_bytes();
// The same of another root, for tests: <root>/proc/meminfo, <root>/proc/self/cgroup, <root>/sys/fs/cgroup (version 2 or
// 1). 0: not known.
std::int64_t free_memory_bytes(const std::filesystem::path& root);

}  // namespace fathom
