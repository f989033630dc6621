// The merges of byte-level BPE: which two neighbouring tokens become one, and in which order (the rank; low goes
// first).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace fathom {

struct Merge {
  std::int32_t left = 0;
  std::int32_t right = 0;
  std::int32_t product = 0;
};

class MergeTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;  // above every rank

  // `by_rank` in order of rank; of two merges of one pair the later holds, as in Hugging Face's engine. `byte_ids` are
  // the ids of the 256 single bytes. Ids and ranks lie below kTokenLimit.
  MergeTable(std::span<const Merge> by_rank, const std::array<std::int32_t, 256>& byte_ids);

  std::uint32_t rank(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::uint64_t slot = slot_of(key);; slot = (slot + 1) & mask_) {
      const std::uint64_t found = slots_[slot];
      if (found >> kBits == key) return static_cast<std::uint32_t>(found & kLow);
      if (found == kEmpty) return kNone;
    }
  }
  std::uint32_t rank_of_bytes(unsigned char left, unsigned char right) const {
    return byte_ranks_[static_cast<std::size_t>(left) * 256 + right];
  }
  std::int32_t product(std::uint32_t rank) const { return products_[rank]; }
  std::int32_t byte_id(unsigned char byte) const { return byte_ids_[byte]; }

 private:
  // A slot is left, right and rank in 21 bits each: 2 MB for 128,000 merges at a load of one half.
  static constexpr int kBits = 21;
  static constexpr std::uint64_t kLow = (std::uint64_t{1} << kBits) - 1;
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(left) << kBits | static_cast<std::uint64_t>(right);
  }
  std::uint64_t slot_of(std::uint64_t key) const { return (key * 0x9E3779B97F4A7C15ULL) >> shift_; }

  std::array<std::int32_t, 256> byte_ids_{};
  std::vector<std::uint64_t> slots_;
  std::vector<std::int32_t> products_;
  std::vector<std::uint32_t> byte_ranks_;
  std::uint64_t mask_ = 0;
  int shift_ = 0;
};

}  // namespace fathom
