// The random bits of the Gumbel-max rule: a function of (seed, position, token), the same on every backend.
#pragma once

#include <bit>
#include <cstdint>

namespace fathom {

inline constexpr int kGumbelBits = 52;

// Finalizer of splitmix64: every input bit reaches every output bit.
constexpr std::uint64_t mixed_bits(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

constexpr std::uint64_t gumbel_place(std::uint64_t seed, std::int64_t position) {
  return mixed_bits(mixed_bits(seed) ^ static_cast<std::uint64_t>(position));
}

// kGumbelBits random bits.
constexpr std::uint64_t gumbel_bits(std::uint64_t place, std::int32_t token) {
  return mixed_bits(place ^ static_cast<std::uint64_t>(token)) >> (64 - kGumbelBits);
}

// In (0, 1).
constexpr double gumbel_uniform(std::uint64_t bits) { return (static_cast<double>(bits) + 0.5) * 0x1p-52; }

// No less than -log(-log(u)): G <= -log(1 - u) <= log 2 * (54 - bits of (1 - u) 2^52). Most tokens are out of reach by
// it, without a logarithm.
constexpr double most_gumbel(std::uint64_t bits) {
  constexpr double kLogOfTwo = 0.693147180559945310;
  const auto width = std::bit_width((std::uint64_t{1} << kGumbelBits) - bits);
  return kLogOfTwo * static_cast<double>(kGumbelBits + 2 - static_cast<int>(width));
}

}  // namespace fathom
