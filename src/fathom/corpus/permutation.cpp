#include "fathom/corpus/permutation.h"

#include "fathom/base/error.h"

namespace fathom {

std::uint64_t mixed(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

std::uint64_t mixed(std::uint64_t seed, std::uint64_t purpose) { return mixed(mixed(seed) ^ purpose); }

Permutation::Permutation(std::int64_t size, std::uint64_t seed) : size_(size) {
  check(size > 0 && size <= std::int64_t{1} << 62, "a permutation has 1 to 2^62 places");
  while (std::int64_t{1} << (2 * half_bits_) < size) ++half_bits_;
  for (std::uint64_t round = 0; round < kRounds; ++round) keys_[round] = mixed(seed, round);
}

std::int64_t Permutation::at(std::int64_t place) const {
  check(place >= 0 && place < size_, "a place of a permutation lies inside it");
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  auto value = static_cast<std::uint64_t>(place);
  // The power of four is less than four times `size`, or 4: a few steps.
  do {
    std::uint64_t left = value >> half_bits_;
    std::uint64_t right = value & mask;
    for (const std::uint64_t key : keys_) {
      const std::uint64_t next = left ^ (mixed(right ^ key) & mask);
      left = right;
      right = next;
    }
    value = left << half_bits_ | right;
  } while (value >= static_cast<std::uint64_t>(size_));
  return static_cast<std::int64_t>(value);
}

}  // namespace fathom
