// A seeded order of [0, size) without a table: a Feistel network over the next power of four, walked until it lands
// inside. Any place of the order can be asked for by itself.
#pragma once

#include <array>
#include <cstdint>

namespace fathom {

// A good mixing of 64 bits (splitmix64's), for seeds and keys.
std::uint64_t mixed(std::uint64_t value);
// A seed and what it is for, as one number.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t purpose);

class Permutation {
 public:
  Permutation(std::int64_t size, std::uint64_t seed);

  // `place` in [0, size); every result in [0, size) comes once.
  std::int64_t at(std::int64_t place) const;
  std::int64_t size() const { return size_; }

 private:
  static constexpr int kRounds = 6;

  std::int64_t size_ = 0;
  int half_bits_ = 1;
  std::array<std::uint64_t, kRounds> keys_{};
};

}  // namespace fathom
