#include "fathom/tensor/memory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/tensor/counting_allocator.h"

namespace fathom {
namespace {

TEST(Memory, IsZeroedAndAligned) {
  for (const std::int64_t bytes : {1, 63, 64, 4097}) {
    const Memory memory(host_allocator(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 64, 0U);
    EXPECT_EQ(std::count(memory.data(), memory.data() + bytes, std::byte{0}), bytes);
    EXPECT_EQ(memory.bytes(), bytes);
  }
}

TEST(Memory, HasOneOwner) {
  CountingAllocator allocator;
  {
    Memory first(allocator, 100);
    Memory second(std::move(first));
    EXPECT_EQ(second.bytes(), 100);
    Memory third;
    third = std::move(second);
    EXPECT_EQ(third.bytes(), 100);
    EXPECT_EQ(allocator.held, 100);
    third = Memory(allocator, 7);
    EXPECT_EQ(allocator.held, 7);
  }
  EXPECT_EQ(allocator.held, 0);
  EXPECT_EQ(allocator.allocations, 2);
}

TEST(Memory, AViewFitsOrThrows) {
  const Memory memory(host_allocator(), 48);
  EXPECT_EQ((memory.view<float, 2>({3, 4}).size()), 12);
  EXPECT_THROW((memory.view<float, 2>({3, 5})), InternalError);
}

}  // namespace
}  // namespace fathom
