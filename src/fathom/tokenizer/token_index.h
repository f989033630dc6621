// From a spelled token to its place in the vocabulary, for the length of a load.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace fathom {

class TokenIndex {
 public:
  static constexpr std::int32_t kNone = -1;

  // Keeps a view of `tokens`; of two equal spellings the first holds, and `repeated` names the second's place.
  explicit TokenIndex(std::span<const std::pair<std::string_view, std::int32_t>> tokens);

  // The place of the token in `tokens`, or kNone.
  std::int32_t find(std::string_view spelled) const { return slots_[slot_of(spelled)].place; }
  std::int32_t repeated() const { return repeated_; }

 private:
  struct Slot {
    std::uint32_t tag = 0;       // the hash's low half
    std::int32_t place = kNone;  // in tokens_
  };

  // The slot of the spelling, or the empty one where it would stand.
  std::size_t slot_of(std::string_view spelled) const;

  std::span<const std::pair<std::string_view, std::int32_t>> tokens_;
  std::vector<Slot> slots_;
  std::int32_t repeated_ = kNone;  // in tokens_
};

}  // namespace fathom
