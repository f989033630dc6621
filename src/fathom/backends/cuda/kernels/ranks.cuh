// A score and its index as one number: the smaller the number, the better. Equal scores go to the lower index, -0
// counts as +0, NaN as better than all (backends/cpu/best_of.h).
#pragma once

#include <cstdint>

namespace fathom::cuda {

using Rank = unsigned long long;

// The better the score, the smaller.
__device__ inline unsigned rank_of_score(float score) {
  const unsigned bits = __float_as_uint(score + 0.0F);
  const unsigned ascending = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return ~ascending;
}

__device__ inline Rank rank_of(float score, unsigned index) {
  return static_cast<Rank>(rank_of_score(score)) << 32 | index;
}

__device__ inline unsigned index_of(Rank rank) { return static_cast<unsigned>(rank & 0xffffffffU); }

}  // namespace fathom::cuda
