#include "fathom/tensor/arena.h"

#include <algorithm>

namespace fathom {
namespace {

constexpr std::int64_t kAlignment = 64;
constexpr std::int64_t kSmallestChunk = std::int64_t{1} << 20;
constexpr std::int64_t kLargestDoubled = std::int64_t{32} << 20;
constexpr std::int64_t kWorthless = std::int64_t{64} << 20;

}  // namespace

std::int64_t Arena::bytes() const {
  std::int64_t sum = 0;
  for (const Memory& chunk : chunks_) sum += chunk.bytes();
  return sum;
}

std::byte* Arena::take_bytes(std::int64_t bytes) {
  check(bytes >= 0, "arena size is negative");
  const std::int64_t rounded = (std::max<std::int64_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  // Steps that grow leave chunks behind that are too small for the next. An eighth to spare, or each of many that grow
  // by little would come here.
  if (place_.taken == 0 && this->bytes() > most_ + most_ / 4 + kWorthless) {
    chunks_.clear();
    place_ = {};
    chunks_.emplace_back(*allocator_, most_ + most_ / 8);
  }
  auto& [chunk, used, taken] = place_;
  while (chunk < chunks_.size() && used + rounded > chunks_[chunk].bytes()) {
    ++chunk;
    used = 0;
  }
  if (chunk == chunks_.size()) {
    // Doubling keeps the number of chunks small however a step grows, up to where it would cost more than it spares.
    const std::int64_t last = chunks_.empty() ? 0 : chunks_.back().bytes();
    chunks_.emplace_back(*allocator_, std::max({rounded, kSmallestChunk, std::min(last, kLargestDoubled) * 2}));
    used = 0;
  }
  std::byte* result = chunks_[chunk].data() + used;
  used += rounded;
  taken += rounded;
  most_ = std::max(most_, taken);
  return result;
}

}  // namespace fathom
