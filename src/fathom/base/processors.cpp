#include "fathom/base/processors.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <tuple>

#include "fathom/base/error.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;

constexpr int kMostProcessors = 1 << 16;  // in a list: more is no machine's

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<double> positive_number(const std::string& text) {
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number > 0.0)) return std::nullopt;
  return number;
}

void take_smaller(std::optional<double>& quota, std::optional<double> other) {
  if (other && (!quota || *other < *quota)) quota = other;
}

// "150000 100000": microseconds of every so many. "max 100000" is no limit.
std::optional<double> quota_of_version_2(const fs::path& group) {
  const std::string line = first_line(group / "cpu.max");
  const std::size_t space = line.find(' ');
  if (space == std::string::npos) return std::nullopt;
  const auto time = positive_number(line.substr(0, space));
  const auto period = positive_number(line.substr(space + 1));
  if (!time || !period) return std::nullopt;
  return *time / *period;
}

// -1 is no limit.
std::optional<double> quota_of_version_1(const fs::path& group) {
  const auto time = positive_number(first_line(group / "cpu.cfs_quota_us"));
  const auto period = positive_number(first_line(group / "cpu.cfs_period_us"));
  if (!time || !period) return std::nullopt;
  return *time / *period;
}

// The least of a group and all above it, up to the hierarchy's root. A container sees its own group as the root,
// although /proc/self/cgroup may name the path outside: what is not found there is passed over.
template <typename Quota>
std::optional<double> least_quota(const fs::path& hierarchy, const std::string& group, const Quota& quota_of) {
  std::optional<double> least = quota_of(hierarchy);
  fs::path here = hierarchy;
  for (const fs::path& part : fs::path(group).relative_path()) {
    here /= part;
    take_smaller(least, quota_of(here));
  }
  return least;
}

// Lines "0::/path" (version 2) and "4:cpu,cpuacct:/path" (version 1).
std::optional<double> quota_of_groups(const fs::path& root) {
  const fs::path groups = root / "sys/fs/cgroup";
  std::optional<double> least;
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") take_smaller(least, least_quota(groups, group, quota_of_version_2));
    if (controllers.find(",cpu,") != std::string::npos)
      take_smaller(least, least_quota(groups / "cpu", group, quota_of_version_1));
  }
  return least;
}

// Of every processor of the machine that a node's list names.
std::vector<Processor> processors_of_nodes(const fs::path& root) {
  std::vector<Processor> all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root / "sys/devices/system/node", ignored)) {
    const std::string name = entry.path().filename().string();
    int node = 0;
    if (!name.starts_with("node")) continue;
    const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), node);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    for (const int id : processor_list(first_line(entry.path() / "cpulist"))) all.push_back({id, node});
  }
  return all;
}

// 0 for the first of the processors that share its core, 1 for the next.
int place_in_core(const fs::path& root, int id) {
  const auto siblings =
      processor_list(first_line(root / fmt::format("sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", id)));
  const auto found = std::find(siblings.begin(), siblings.end(), id);
  return found == siblings.end() ? 0 : static_cast<int>(found - siblings.begin());
}

class ProcessorSet {
 public:
  explicit ProcessorSet(int count) : count_(count), bytes_(CPU_ALLOC_SIZE(count)), set_(CPU_ALLOC(count)) {
    check(set_ != nullptr, "memory for a set of processors");
    CPU_ZERO_S(bytes_, set_);
  }
  ~ProcessorSet() { CPU_FREE(set_); }
  ProcessorSet(const ProcessorSet&) = delete;
  ProcessorSet& operator=(const ProcessorSet&) = delete;

  bool read() { return ::sched_getaffinity(0, bytes_, set_) == 0; }
  // 0, or what was wrong.
  int apply(pthread_t thread) const { return ::pthread_setaffinity_np(thread, bytes_, set_); }
  void add(int id) { CPU_SET_S(static_cast<std::size_t>(id), bytes_, set_); }
  std::vector<int> ids() const {
    std::vector<int> all;
    for (int id = 0; id < count_; ++id)
      if (CPU_ISSET_S(static_cast<std::size_t>(id), bytes_, set_)) all.push_back(id);
    return all;
  }

 private:
  int count_;
  std::size_t bytes_;
  cpu_set_t* set_;
};

// The mask grows until the kernel's fits.
std::vector<int> affinity_of_this_thread() {
  for (int count = 1024; count <= kMostProcessors; count *= 4) {
    ProcessorSet set(count);
    if (set.read()) return set.ids();
    if (errno != EINVAL) break;
  }
  return {};
}

}  // namespace

std::vector<int> processor_list(std::string_view text) {
  std::vector<int> all;
  const auto number = [&](int& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || value < 0 || value >= kMostProcessors) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  while (!text.empty()) {
    int first = 0;
    if (!number(first)) return {};
    int last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      if (!number(last) || last < first) return {};
    }
    for (int id = first; id <= last; ++id) all.push_back(id);
    if (text.empty()) break;
    if (!text.starts_with(',')) return {};
    text.remove_prefix(1);
  }
  return all;
}

int Processors::threads() const {
  const int processors = std::max(1, static_cast<int>(allowed.size()));
  if (!quota || *quota >= processors) return processors;
  // Half a processor that is paid for would stop all threads at the end of every period, at the barrier.
  return std::max(1, static_cast<int>(*quota));
}

std::vector<int> Processors::nodes() const {
  std::set<int> found;
  for (const Processor& one : allowed) found.insert(one.node);
  return {found.begin(), found.end()};
}

std::vector<int> Processors::places(int threads) const {
  std::vector<int> result;
  if (allowed.empty()) return result;
  const std::vector<int> all = nodes();
  const auto count = static_cast<std::int64_t>(allowed.size());
  std::int64_t before = 0;  // processors of the nodes before this one
  for (const int node : all) {
    std::vector<int> own;
    for (const Processor& one : allowed)
      if (one.node == node) own.push_back(one.id);
    const std::int64_t after = before + std::ssize(own);
    const std::int64_t share = after * threads / count - before * threads / count;
    for (std::int64_t thread = 0; thread < share; ++thread)
      result.push_back(own[static_cast<std::size_t>(thread % std::ssize(own))]);
    before = after;
  }
  return result;
}

Processors usable_processors(const fs::path& root, std::span<const int> affinity) {
  const std::vector<Processor> known = processors_of_nodes(root);
  std::vector<std::tuple<int, int, int>> order;  // node, place in its core, id
  for (const int id : affinity) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const Processor& one) { return one.id == id; });
    order.emplace_back(found == known.end() ? 0 : found->node, place_in_core(root, id), id);
  }
  std::sort(order.begin(), order.end());
  Processors result{.allowed = {}, .quota = quota_of_groups(root)};
  for (const auto& [node, place, id] : order) result.allowed.push_back({.id = id, .node = node});
  return result;
}

Processors usable_processors() { return usable_processors("/", affinity_of_this_thread()); }

void pin_thread(std::thread::native_handle_type thread, int processor) {
  ProcessorSet set(std::max(1024, processor + 1));
  set.add(processor);
  if (const int fault = set.apply(thread); fault != 0)
    throw InputError("[threads] a thread cannot be kept on processor {}: {}", processor, std::strerror(fault));
}

}  // namespace fathom
