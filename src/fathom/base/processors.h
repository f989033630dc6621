// The processors that this process may use: those of its affinity mask, what its control groups grant of their time,
// and the nodes whose memory is near them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

namespace fathom {

struct Processor {
  int id = 0;
  int node = 0;
};

struct Processors {
  std::vector<Processor> allowed;  // by node; in a node one of every core first, their siblings behind them
  std::optional<double> quota;     // of processors' time; none: no limit

  // Threads that can compute at the same time: a processor each, and no more than the quota pays for.
  int threads() const;
  // Nodes of `allowed`, ascending.
  std::vector<int> nodes() const;
  // A processor for each of `threads` threads, in order of nodes, so that the threads of a node are neighbours and
  // every node has its share. With more threads than processors they go around again.
  std::vector<int> places(int threads) const;
};

Processors usable_processors();
// The same of another root, for tests: <root>/proc/self/cgroup, <root>/sys/fs/cgroup (version 2 or 1),
// <root>/sys/devices/system/node and cpu; `affinity` is the mask. What is not there is no limit, and one node.
Processors usable_processors(const std::filesystem::path& root, std::span<const int> affinity);

// "0-2,8" as 0, 1, 2, 8. What is no such list is empty.
std::vector<int> processor_list(std::string_view text);

// Keeps a thread on one processor. InputError when the system refuses.
void pin_thread(std::thread::native_handle_type thread, int processor);

}  // namespace fathom
