#include "fathom/backends/cpu/weight_memory.h"

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace fathom {
namespace {

constexpr std::int64_t kLarge = std::int64_t{8} << 20;

// Pages of [data, data + bytes) that are in memory.
std::int64_t pages_touched(const std::byte* data, std::int64_t bytes) {
  std::vector<unsigned char> there(static_cast<std::size_t>(bytes / ::sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(::mincore(const_cast<std::byte*>(data), static_cast<std::size_t>(bytes), there.data()), 0);
  std::int64_t count = 0;
  for (const unsigned char page : there) count += page & 1;
  return count;
}

TEST(WeightMemory, IsZeroedAndAlignedAndNobodyTouchesItBefore) {
  WeightMemory allocator;
  for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{4096}, std::int64_t{65'535}, kLarge}) {
    const Memory memory(allocator, bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 64, 0U);
    if (bytes == kLarge) {
      EXPECT_EQ(pages_touched(memory.data(), bytes), 0) << "the first to write places a page";
    }
    for (std::int64_t index = 0; index < bytes; index += 997) EXPECT_EQ(memory.data()[index], std::byte{0});
    memory.data()[bytes - 1] = std::byte{1};
  }
}

TEST(WeightMemory, SpreadsPagesOnlyOverSeveralNodes) {
  const auto policy_of = [](std::vector<int> nodes) {
    WeightMemory allocator(std::move(nodes));
    const Memory memory(allocator, kLarge);
    memory.data()[0] = std::byte{1};
    int policy = -1;
    if (::syscall(SYS_get_mempolicy, &policy, nullptr, 0, memory.data(), MPOL_F_ADDR) != 0) return -1;
    return policy;
  };
  if (policy_of({}) == -1) GTEST_SKIP() << "this system does not say where memory lies";
  EXPECT_EQ(policy_of({}), MPOL_DEFAULT);
  EXPECT_EQ(policy_of({0}), MPOL_DEFAULT);
  // The second node may not exist; the kernel takes those of the set that do.
  EXPECT_EQ(policy_of({0, 1}), MPOL_INTERLEAVE);
}

}  // namespace
}  // namespace fathom
