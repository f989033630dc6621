// A quick hash of short byte strings for the tables of this room. Equal on every run; no defence against chosen keys,
// so only bounded tables may be keyed by text of a request.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace fathom {

// The odd multiplier is 2^64 over the golden ratio. Every bit of the word reaches the high bits: take slots from there.
inline std::uint64_t mix_hash(std::uint64_t state, std::uint64_t word) {
  const std::uint64_t product = (state ^ word) * 0x9E3779B97F4A7C15ULL;
  return product ^ (product >> 32);
}

inline std::uint64_t byte_hash(std::string_view bytes) {
  std::uint64_t state = bytes.size();
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof(word));
    state = mix_hash(state, word);
    bytes.remove_prefix(sizeof(word));
  }
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data(), bytes.size());
  return mix_hash(state, word);
}

}  // namespace fathom
