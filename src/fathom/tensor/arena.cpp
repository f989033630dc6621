#include "fathom/tensor/arena.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr std::int64_t kAlignment = 64;
constexpr std::int64_t kSmallestChunk = std::int64_t{1} << 20;

}  // namespace

std::int64_t Arena::bytes() const {
  std::int64_t sum = 0;
  for (const Memory& chunk : chunks_) sum += chunk.bytes();
  return sum;
}

std::byte* Arena::take_bytes(std::int64_t bytes) {
  check(bytes >= 0, "arena size is negative");
  const std::int64_t rounded = (std::max<std::int64_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  while (chunk_ < chunks_.size() && used_ + rounded > chunks_[chunk_].bytes()) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    // Doubling keeps the number of chunks small however a step grows.
    chunks_.emplace_back(*allocator_,
                         std::max({rounded, kSmallestChunk, chunks_.empty() ? 0 : chunks_.back().bytes() * 2}));
    used_ = 0;
  }
  std::byte* result = chunks_[chunk_].data() + used_;
  used_ += rounded;
  return result;
}

}  // namespace fathom
