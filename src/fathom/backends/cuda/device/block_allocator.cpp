#include "fathom/backends/cuda/device/block_allocator.h"

#include <algorithm>

namespace fathom::cuda {
namespace {

constexpr std::int64_t kAlignment = 256;

}  // namespace

std::byte* BlockAllocator::allocate(std::int64_t bytes) {
  const std::int64_t wanted = std::max<std::int64_t>((bytes + kAlignment - 1) / kAlignment * kAlignment, kAlignment);
  auto block = blocks_.find(open_);
  if (block == blocks_.end() || block->second.used + wanted > block->second.memory.bytes()) {
    Memory memory(memory_, std::max(block_bytes_, wanted));
    std::byte* start = memory.data();
    block = blocks_.emplace(start, Block{.memory = std::move(memory)}).first;
    open_ = start;
  }
  std::byte* piece = block->first + block->second.used;
  block->second.used += wanted;
  ++block->second.pieces;
  return piece;
}

void BlockAllocator::release(std::byte* data, std::int64_t /*bytes*/) noexcept {
  const auto block = std::prev(blocks_.upper_bound(data));
  if (--block->second.pieces > 0) return;
  if (open_ == block->first) open_ = nullptr;
  blocks_.erase(block);
}

}  // namespace fathom::cuda
