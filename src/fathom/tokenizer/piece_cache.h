// Remembers the ids of short pieces: words come again. One cache line a piece, one place a piece; what is there is
// overwritten. Not for two threads at once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "fathom/tokenizer/byte_hash.h"

namespace fathom {

class PieceCache {
 public:
  static constexpr std::size_t kBytes = 24;  // longest piece kept
  static constexpr std::size_t kIds = 9;     // and the most ids

  // A piece of 1 to kBytes bytes, ready to be looked up.
  struct Key {
    std::array<std::uint64_t, 3> words{};  // the bytes, zeros behind them
    std::uint8_t length = 0;
    std::size_t slot = 0;
  };
  struct alignas(64) Entry {
    std::array<std::uint64_t, 3> words{};
    std::array<std::int32_t, kIds> ids{};
    std::uint8_t length = 0;  // 0: empty
    std::uint8_t count = 0;
  };
  static_assert(sizeof(Entry) == 64);

  PieceCache() : entries_(kEntries) {}

  // text[start, start + length), which lies inside the text.
  static Key key(std::string_view text, std::size_t start, std::size_t length);
  const Entry* find(const Key& key) const {
    const Entry& entry = entries_[key.slot];
    return entry.length == key.length && entry.words == key.words ? &entry : nullptr;
  }
  // Nothing is kept of more than kIds ids.
  void put(const Key& key, const std::int32_t* ids, std::size_t count);

 private:
  static constexpr int kEntryBits = 14;
  static constexpr std::size_t kEntries = std::size_t{1} << kEntryBits;  // 1 MB

  std::vector<Entry> entries_;
};

inline PieceCache::Key PieceCache::key(std::string_view text, std::size_t start, std::size_t length) {
  Key key;
  key.length = static_cast<std::uint8_t>(length);
  if (start + kBytes <= text.size()) {  // read past the piece, then drop what is not its own
    std::memcpy(key.words.data(), text.data() + start, kBytes);
    const std::size_t full = length / 8;
    const std::uint64_t mask = (std::uint64_t{1} << (length % 8 * 8)) - 1;
    if (full < 3) key.words[full] &= mask;
    for (std::size_t word = full + 1; word < 3; ++word) key.words[word] = 0;
  } else {
    std::memcpy(key.words.data(), text.data() + start, length);
  }
  std::uint64_t hash = mix_hash(length, key.words[0]);
  if (length > 8) hash = mix_hash(mix_hash(hash, key.words[1]), key.words[2]);
  key.slot = static_cast<std::size_t>(hash >> (64 - kEntryBits));
  return key;
}

inline void PieceCache::put(const Key& key, const std::int32_t* ids, std::size_t count) {
  if (count > kIds) return;
  Entry& entry = entries_[key.slot];
  entry.words = key.words;
  entry.length = key.length;
  entry.count = static_cast<std::uint8_t>(count);
  std::copy_n(ids, count, entry.ids.begin());
}

}  // namespace fathom
