#include "fathom/apps/free_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>

namespace fathom {
namespace {

// "MemAvailable:   24000000 kB"
std::optional<std::int64_t> available_bytes(const std::filesystem::path& file) {
  std::ifstream lines(file);
  std::string name;
  std::int64_t kilobytes = 0;
  for (std::string unit; lines >> name >> kilobytes; std::getline(lines, unit))
    if (name == "MemAvailable:") return kilobytes * 1024;
  return std::nullopt;
}

// A number, or "max".
std::optional<std::int64_t> number_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::int64_t number = 0;
  if (in >> number) return number;
  return std::nullopt;
}

}  // namespace

std::int64_t free_memory_bytes(const std::filesystem::path& root) {
  const auto machine = available_bytes(root / "proc/meminfo");
  const auto limit = number_in(root / "sys/fs/cgroup/memory.max");
  const auto taken = number_in(root / "sys/fs/cgroup/memory.current");
  if (!limit || !taken) return machine.value_or(0);
  const std::int64_t left = std::max<std::int64_t>(*limit - *taken, 0);
  return machine ? std::min(*machine, left) : left;
}

std::int64_t free_memory_bytes() { return free_memory_bytes("/"); }

}  // namespace fathom
