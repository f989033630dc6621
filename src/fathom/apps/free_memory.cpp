#include "fathom/apps/free_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

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

// Of the lines "NAME NUMBER" those of a group's page cache that no other use keeps in memory.
std::int64_t cached_bytes(const std::filesystem::path& file, std::string_view prefix) {
  std::ifstream lines(file);
  std::string name;
  std::int64_t number = 0;
  std::int64_t sum = 0;
  while (lines >> name >> number)
    if (name == std::string(prefix) + "active_file" || name == std::string(prefix) + "inactive_file") sum += number;
  return sum;
}

// The files of a group, version 2 or 1.
struct Names {
  const char* limit;
  const char* taken;
  const char* cached_prefix;
};
constexpr Names kVersion2 = {"memory.max", "memory.current", ""};
constexpr Names kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_"};

// What the group leaves, and all above it up to the hierarchy's root. A container sees its own group as the root.
void take_smaller(std::optional<std::int64_t>& left, const std::filesystem::path& hierarchy, const std::string& group,
                  const Names& names) {
  const auto look = [&](const std::filesystem::path& here) {
    const auto limit = number_in(here / names.limit);
    const auto taken = number_in(here / names.taken);
    if (!limit || !taken) return;
    const std::int64_t used = *taken - cached_bytes(here / "memory.stat", names.cached_prefix);
    const std::int64_t own = std::max<std::int64_t>(*limit - std::max<std::int64_t>(used, 0), 0);
    left = left ? std::min(*left, own) : own;
  };
  std::filesystem::path here = hierarchy;
  look(here);
  for (const std::filesystem::path& part : std::filesystem::path(group).relative_path()) look(here /= part);
}

// Lines "0::/path" (version 2) and "4:memory:/path" (version 1).
std::optional<std::int64_t> left_of_groups(const std::filesystem::path& root) {
  const std::filesystem::path groups = root / "sys/fs/cgroup";
  std::optional<std::int64_t> left;
  take_smaller(left, groups, "", kVersion2);
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",,") take_smaller(left, groups, line.substr(second + 1), kVersion2);
    if (controllers.find(",memory,") != std::string::npos)
      take_smaller(left, groups / "memory", line.substr(second + 1), kVersion1);
  }
  return left;
}

}  // namespace

std::int64_t free_memory_bytes(const std::filesystem::path& root) {
  const auto machine = available_bytes(root / "proc/meminfo");
  const auto left = left_of_groups(root);
  if (!left) return machine.value_or(0);
  return machine ? std::min(*machine, *left) : *left;
}

std::int64_t free_memory_bytes() { return free_memory_bytes("/"); }

}  // namespace fathom
