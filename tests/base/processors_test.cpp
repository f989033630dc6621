#include "fathom/base/processors.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "tests/base/file_support.h"

namespace fathom::testing {
namespace {

// A machine in a folder.
class FakeMachine : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_ / name).parent_path());
    write_text(root_ / name, text);
  }
  void node(int id, const std::string& list) {
    write(fmt::format("sys/devices/system/node/node{}/cpulist", id), list + "\n");
  }
  void siblings(int id, const std::string& list) {
    write(fmt::format("sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", id), list + "\n");
  }
  Processors read(const std::vector<int>& affinity) const { return usable_processors(root_.path(), affinity); }
  static std::vector<int> first(int count) {
    std::vector<int> ids(static_cast<std::size_t>(count));
    std::iota(ids.begin(), ids.end(), 0);
    return ids;
  }
  static std::vector<int> ids(const Processors& processors) {
    std::vector<int> all;
    for (const Processor& one : processors.allowed) all.push_back(one.id);
    return all;
  }

  TemporaryDirectory root_;
};

TEST_F(FakeMachine, WithoutAnyFileIsOneNodeWithoutALimit) {
  const Processors found = read({0, 1, 5});
  EXPECT_EQ(ids(found), (std::vector<int>{0, 1, 5}));
  EXPECT_EQ(found.nodes(), std::vector<int>{0});
  EXPECT_EQ(found.threads(), 3);
  EXPECT_FALSE(found.quota);
  EXPECT_EQ(read({}).threads(), 1);
  EXPECT_TRUE(read({}).places(4).empty());
}

TEST_F(FakeMachine, TheMaskChoosesAmongTheNodes) {
  node(0, "0-3");
  node(1, "4-7");
  write("sys/devices/system/node/possible", "0-1\n");  // no node, though it begins like one elsewhere
  EXPECT_EQ(read(first(8)).nodes(), (std::vector<int>{0, 1}));
  const Processors half = read({2, 6, 7});
  EXPECT_EQ(half.threads(), 3);
  EXPECT_EQ(half.nodes(), (std::vector<int>{0, 1}));
  EXPECT_EQ(half.allowed[1].node, 1);
  EXPECT_EQ(read({5}).nodes(), std::vector<int>{1});
}

TEST_F(FakeMachine, TheQuotaIsTheLeastOnTheWayToTheGroup) {
  write("proc/self/cgroup", "0::/system/fathom\n");
  write("sys/fs/cgroup/system/cpu.max", "600000 100000\n");
  write("sys/fs/cgroup/system/fathom/cpu.max", "max 100000\n");
  EXPECT_EQ(read(first(16)).threads(), 6);
  write("sys/fs/cgroup/system/fathom/cpu.max", "250000 100000\n");
  EXPECT_EQ(read(first(16)).quota, 2.5);
  EXPECT_EQ(read(first(16)).threads(), 2) << "a thread that is not paid for would hold up the others";
  EXPECT_EQ(read(first(2)).threads(), 2);
  write("sys/fs/cgroup/system/fathom/cpu.max", "50000 100000\n");
  EXPECT_EQ(read(first(16)).threads(), 1);
  write("sys/fs/cgroup/cpu.max", "10000 100000\n");
  EXPECT_EQ(read(first(16)).quota, 0.1) << "a container sees its group at the root";
}

TEST_F(FakeMachine, GroupsOfVersionOneHaveTheirOwnFiles) {
  write("proc/self/cgroup", "9:memory:/elsewhere\n4:cpu,cpuacct:/one\n0::/\n");
  write("sys/fs/cgroup/cpu/one/cpu.cfs_quota_us", "300000\n");
  write("sys/fs/cgroup/cpu/one/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu/elsewhere/cpu.cfs_quota_us", "100000\n");
  write("sys/fs/cgroup/cpu/elsewhere/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read(first(16)).threads(), 3);
  write("sys/fs/cgroup/cpu/one/cpu.cfs_quota_us", "-1\n");
  EXPECT_FALSE(read(first(16)).quota);
}

TEST_F(FakeMachine, GarbageIsNoLimit) {
  write("proc/self/cgroup", "nothing\n::\n0::/x\n");
  for (const char* line : {"", "max", "100000", "-5 100000", "x y", "100000 0"}) {
    write("sys/fs/cgroup/x/cpu.max", line);
    EXPECT_FALSE(read(first(4)).quota) << line;
  }
  node(0, "3-1");
  EXPECT_EQ(read(first(4)).threads(), 4);
}

TEST_F(FakeMachine, PlacesFillCoresBeforeSiblingsAndNodesEvenly) {
  node(0, "0-3,8-11");
  node(1, "4-7,12-15");
  for (int core = 0; core < 8; ++core) {
    siblings(core, fmt::format("{},{}", core, core + 8));
    siblings(core + 8, fmt::format("{},{}", core, core + 8));
  }
  const Processors machine = read(first(16));
  EXPECT_EQ(machine.places(8), first(8));
  EXPECT_EQ(machine.places(2), (std::vector<int>{0, 4}));
  EXPECT_EQ(machine.places(3).size(), 3U);
  EXPECT_EQ(machine.places(16), (std::vector<int>{0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15}));
  EXPECT_EQ(machine.places(32).size(), 32U) << "more threads than processors go around again";
}

TEST(ProcessorList, IsReadAsTheKernelWritesIt) {
  EXPECT_EQ(processor_list("0"), std::vector<int>{0});
  EXPECT_EQ(processor_list("0-2,8,10-11"), (std::vector<int>{0, 1, 2, 8, 10, 11}));
  for (const char* wrong : {"", "x", "1-", "-1", "3-1", "1;2", "99999999"})
    EXPECT_TRUE(processor_list(wrong).empty()) << wrong;
}

TEST(ProcessorsHere, AreThoseOfTheMask) {
  const Processors here = usable_processors();
  ASSERT_FALSE(here.allowed.empty());
  EXPECT_GE(here.threads(), 1);
  EXPECT_LE(here.threads(), std::ssize(here.allowed));
  const int last = here.allowed.back().id;
  std::thread([last] {
    pin_thread(::pthread_self(), last);
    const Processors pinned = usable_processors();
    ASSERT_EQ(pinned.allowed.size(), 1U);
    EXPECT_EQ(pinned.allowed[0].id, last);
    EXPECT_EQ(pinned.threads(), 1);
  }).join();
  EXPECT_EQ(usable_processors().allowed.size(), here.allowed.size());
  EXPECT_NE(error_of([] { pin_thread(::pthread_self(), 65'000); }).find("65000"), std::string::npos);
}

}  // namespace
}  // namespace fathom::testing
