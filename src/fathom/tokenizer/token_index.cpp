#include "fathom/tokenizer/token_index.h"

#include <bit>

#include "fathom/tokenizer/byte_hash.h"

namespace fathom {

TokenIndex::TokenIndex(std::span<const std::pair<std::string_view, std::int32_t>> tokens)
    : tokens_(tokens), slots_(std::bit_ceil(2 * tokens.size() + 2)) {
  for (std::size_t place = 0; place < tokens.size(); ++place) {
    Slot& slot = slots_[slot_of(tokens[place].first)];
    if (slot.place != kNone) {
      repeated_ = static_cast<std::int32_t>(place);
      continue;
    }
    slot = {static_cast<std::uint32_t>(byte_hash(tokens[place].first)), static_cast<std::int32_t>(place)};
  }
}

std::size_t TokenIndex::slot_of(std::string_view spelled) const {
  const std::uint64_t hash = byte_hash(spelled);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash >> (64 - std::countr_zero(slots_.size()));; slot = (slot + 1) & mask) {
    const Slot& found = slots_[slot];
    if (found.place == kNone) return slot;
    if (found.tag == static_cast<std::uint32_t>(hash) &&
        tokens_[static_cast<std::size_t>(found.place)].first == spelled)
      return slot;
  }
}

}  // namespace fathom
