#include "fathom/engine/repetition_index.h"

#include <algorithm>
#include <bit>

namespace fathom {
namespace {

constexpr std::int64_t kFewestSlots = 1024;

}  // namespace

std::size_t RepetitionIndex::slot(std::span<const std::int32_t> tokens, std::int64_t end) const {
  std::uint64_t hash = 0;
  for (std::int64_t place = end - kShortest; place < end; ++place)
    hash = (hash ^ static_cast<std::uint64_t>(tokens[static_cast<std::size_t>(place)])) * 0x9e3779b97f4a7c15ULL;
  return static_cast<std::size_t>(hash >> 32) & (ends_.size() - 1);
}

void RepetitionIndex::add(std::span<const std::int32_t> tokens, std::int64_t end) {
  ends_[slot(tokens, end)] = static_cast<std::int32_t>(end);
}

void RepetitionIndex::make_room(std::int64_t tokens) {
  if (2 * tokens <= std::ssize(ends_)) return;
  const auto slots = std::bit_ceil(static_cast<std::uint64_t>(std::max(kFewestSlots, 4 * tokens)));
  ends_.assign(static_cast<std::size_t>(slots), 0);
  indexed_ = 0;  // all are put in once more
}

RepetitionIndex::Match RepetitionIndex::find(std::span<const std::int32_t> tokens) {
  const std::int64_t length = std::ssize(tokens);
  if (length <= kShortest) return {};
  make_room(length);
  // The last one is what is looked for.
  for (std::int64_t end = std::max(indexed_ + 1, kShortest); end < length; ++end) add(tokens, end);
  indexed_ = length - 1;
  const std::int64_t found = ends_[slot(tokens, length)];
  if (found == 0) return {};
  std::int64_t equal = 0;
  const std::int64_t most = std::min(kLongest, found);
  while (equal < most &&
         tokens[static_cast<std::size_t>(found - 1 - equal)] == tokens[static_cast<std::size_t>(length - 1 - equal)])
    ++equal;
  return equal < kShortest ? Match{} : Match{.next = found, .length = equal};
}

}  // namespace fathom
