// Ranks in order.
#pragma once

#include <cstdint>

namespace fathom {

inline constexpr std::int64_t kOrderPadding = 8;  // ranks that may be read behind the last

// Writes the lower halves of `count` ranks, all different, to `order`, the smallest rank's first. Where a machine
// compares many at once and there are not too many, each takes the place that as many are smaller; else they are
// sorted, in place.
void order_ranks(std::uint64_t* ranks, std::int64_t count, std::int32_t* order);

}  // namespace fathom
