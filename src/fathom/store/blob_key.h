// What a blob is found by: 32 bytes of somebody's hash, which names contents, model and numerics.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace fathom::store {

struct BlobKey {
  std::array<std::byte, 32> bytes{};

  friend auto operator<=>(const BlobKey&, const BlobKey&) = default;
};

struct BlobKeyHash {
  // Keys are hashes already; all four words take part, in case a caller's are not.
  std::size_t operator()(const BlobKey& key) const {
    std::uint64_t hash = 0;
    for (const std::uint64_t word : std::bit_cast<std::array<std::uint64_t, 4>>(key.bytes))
      hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ (hash >> 32);
  }
};

}  // namespace fathom::store
