#include "fathom/backends/cuda/device/block_allocator.h"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <vector>

namespace fathom::cuda {
namespace {

TEST(BlockAllocator, PiecesShareABlockAndDoNotOverlap) {
  BlockAllocator allocator(host_allocator(), 4096);
  std::vector<Memory> pieces;
  for (int piece = 0; piece < 30; ++piece) {
    pieces.emplace_back(allocator, 100 + piece);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pieces.back().data()) % 64, 0U);
    std::memset(pieces.back().data(), piece, static_cast<std::size_t>(pieces.back().bytes()));
  }
  EXPECT_EQ(allocator.blocks(), 2) << "sixteen pieces of 256 bytes a block";
  for (int piece = 0; piece < 30; ++piece)
    for (std::int64_t byte = 0; byte < pieces[static_cast<std::size_t>(piece)].bytes(); ++byte)
      ASSERT_EQ(pieces[static_cast<std::size_t>(piece)].data()[byte], static_cast<std::byte>(piece));
  pieces.clear();
  EXPECT_EQ(allocator.blocks(), 0);
}

TEST(BlockAllocator, APieceLargerThanABlockHasOneOfItsOwn) {
  BlockAllocator allocator(host_allocator(), 1024);
  const Memory small(allocator, 1);
  std::byte* large = allocator.allocate(5000);
  const Memory none(allocator, 0);
  EXPECT_NE(none.data(), nullptr);
  const std::int64_t before = allocator.blocks();
  EXPECT_EQ(before, 3) << "nothing is left of the large one's block";
  allocator.release(large, 5000);
  EXPECT_EQ(allocator.blocks(), 2);
}

TEST(BlockAllocator, ARefusedBlockLeavesTheOthers) {
  struct Refusing final : Allocator {
    std::byte* allocate(std::int64_t bytes) override {
      if (refuse) throw std::bad_alloc();
      return host_allocator().allocate(bytes);
    }
    void release(std::byte* data, std::int64_t bytes) noexcept override { host_allocator().release(data, bytes); }
    bool refuse = false;
  } memory;
  BlockAllocator allocator(memory, 512);
  const Memory first(allocator, 512);
  memory.refuse = true;
  EXPECT_THROW(allocator.allocate(1), std::bad_alloc);
  memory.refuse = false;
  const Memory second(allocator, 1);
  EXPECT_EQ(allocator.blocks(), 2);
}

}  // namespace
}  // namespace fathom::cuda
