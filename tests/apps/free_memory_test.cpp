#include "fathom/apps/free_memory.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

class FreeMemory : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    const auto file = folder_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::int64_t read() const { return free_memory_bytes(folder_.path()); }

  TemporaryFolder folder_;
};

TEST_F(FreeMemory, IsWhatTheMachineHasAvailable) {
  write("proc/meminfo", "MemTotal:       24000000 kB\nMemFree:         1000 kB\nMemAvailable:   20000000 kB\nX: 1\n");
  EXPECT_EQ(read(), 20'480'000'000);
}

TEST_F(FreeMemory, OrWhatItsGroupLeaves) {
  write("proc/meminfo", "MemAvailable:   20000000 kB\n");
  write("sys/fs/cgroup/memory.max", "5000000\n");
  write("sys/fs/cgroup/memory.current", "1000000\n");
  EXPECT_EQ(read(), 4'000'000);
  write("sys/fs/cgroup/memory.current", "6000000\n");
  EXPECT_EQ(read(), 0);
  write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(read(), 20'480'000'000);
}

TEST_F(FreeMemory, PageCacheOfTheGroupIsFree) {
  write("proc/meminfo", "MemAvailable:   20000000 kB\n");
  write("sys/fs/cgroup/memory.max", "5000000\n");
  write("sys/fs/cgroup/memory.current", "4900000\n");
  write("sys/fs/cgroup/memory.stat", "anon 1000000\nfile 3900000\nactive_file 3000000\ninactive_file 800000\n");
  EXPECT_EQ(read(), 3'900'000);
}

TEST_F(FreeMemory, TheLeastOfTheGroupAndAllAboveItCounts) {
  write("proc/meminfo", "MemAvailable:   20000000 kB\n");
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("sys/fs/cgroup/outer/memory.max", "3000000\n");
  write("sys/fs/cgroup/outer/memory.current", "1000000\n");
  write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  write("sys/fs/cgroup/outer/inner/memory.current", "1000000\n");
  EXPECT_EQ(read(), 2'000'000);
  write("sys/fs/cgroup/outer/inner/memory.max", "1500000\n");
  EXPECT_EQ(read(), 500'000);
}

TEST_F(FreeMemory, GroupsOfVersionOneHaveTheirOwnFiles) {
  write("proc/meminfo", "MemAvailable:   20000000 kB\n");
  write("proc/self/cgroup", "4:memory:/one\n1:cpu:/two\nnothing\n");
  write("sys/fs/cgroup/memory/one/memory.limit_in_bytes", "5000000\n");
  write("sys/fs/cgroup/memory/one/memory.usage_in_bytes", "4000000\n");
  EXPECT_EQ(read(), 1'000'000);
  write("sys/fs/cgroup/memory/one/memory.stat", "active_file 1\ntotal_inactive_file 500000\n");
  EXPECT_EQ(read(), 1'500'000);
}

TEST_F(FreeMemory, UnknownIsNothing) {
  EXPECT_EQ(read(), 0);
  write("proc/meminfo", "garbage");
  EXPECT_EQ(read(), 0);
}

TEST(FreeMemoryHere, IsSomething) { EXPECT_GT(free_memory_bytes(), 0); }

}  // namespace
}  // namespace fathom::testing
