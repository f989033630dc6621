// The best of many scores, exactly: best first, equal scores to the lower index.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include "fathom/backends/cpu/kernels/order.h"
#include "fathom/tensor/arena.h"

namespace fathom {

// A score and its index as one number: the smaller the number, the better. -0 counts as +0, NaN as better than all.
inline std::uint64_t rank_of(float score, std::int64_t index) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);
  const std::uint32_t ascending = (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
  return std::uint64_t{~ascending} << 32 | static_cast<std::uint32_t>(index);
}

// Writes the indices of the best scores, best first; fills `chosen`, whose size is at most the number of scores. Most
// of many scores are worse than the best of those before them, and are looked at once.
inline void best_of(std::span<const float> scores, std::span<std::int32_t> chosen, Arena& scratch) {
  if (chosen.empty()) return;
  const Arena::Scope scope(scratch);
  const std::size_t room = std::min(scores.size(), 4 * chosen.size() + 64);
  const std::span<std::uint64_t> ranks =
      scratch.take<std::uint64_t, 1>({static_cast<std::int64_t>(room) + kOrderPadding}).span();
  std::uint64_t worst = ~std::uint64_t{0};  // no rank beyond it is among the best
  std::size_t count = 0;
  const auto keep_best = [&] {
    if (count <= chosen.size()) return;
    const auto last = ranks.begin() + std::ssize(chosen) - 1;
    std::nth_element(ranks.begin(), last, ranks.begin() + static_cast<std::int64_t>(count));
    worst = *last;
    count = chosen.size();
  };
  for (std::size_t index = 0; index < scores.size(); ++index) {
    const std::uint64_t rank = rank_of(scores[index], static_cast<std::int64_t>(index));
    if (rank > worst) continue;
    if (count == room) keep_best();
    ranks[count++] = rank;
  }
  keep_best();
  // What lies behind them is compared too, and its places are not used.
  std::fill_n(ranks.begin() + static_cast<std::int64_t>(count), kOrderPadding, ~std::uint64_t{0});
  order_ranks(ranks.data(), std::ssize(chosen), chosen.data());
}

}  // namespace fathom
