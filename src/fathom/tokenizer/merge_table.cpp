#include "fathom/tokenizer/merge_table.h"

#include <bit>

namespace fathom {

MergeTable::MergeTable(std::span<const Merge> by_rank, const std::array<std::int32_t, 256>& byte_ids)
    : byte_ids_(byte_ids) {
  const std::size_t capacity = std::bit_ceil(2 * by_rank.size() + 2);
  slots_.assign(capacity, kEmpty);
  mask_ = capacity - 1;
  shift_ = 64 - std::countr_zero(capacity);
  products_.reserve(by_rank.size());
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank) {
    const Merge& merge = by_rank[rank];
    const std::uint64_t key = key_of(merge.left, merge.right);
    std::uint64_t slot = slot_of(key);
    while (slots_[slot] != kEmpty && slots_[slot] >> kBits != key) slot = (slot + 1) & mask_;
    slots_[slot] = key << kBits | rank;
    products_.push_back(merge.product);
  }
  byte_ranks_.reserve(byte_ids.size() * byte_ids.size());
  for (const std::int32_t left : byte_ids)
    for (const std::int32_t right : byte_ids) byte_ranks_.push_back(rank(left, right));
}

}  // namespace fathom
