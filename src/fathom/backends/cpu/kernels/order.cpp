#include "fathom/backends/cpu/kernels/order.h"

#include <algorithm>

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/order.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Ranks = hn::CappedTag<std::uint64_t, kOrderPadding>;
inline constexpr auto kRanks = static_cast<std::int64_t>(hn::MaxLanes(Ranks()));

// Up to which counting beats sorting: it takes count * count / kRanks comparisons.
inline constexpr std::int64_t kMostCounted = kRanks == 8 ? 256 : 8 * kRanks;

HWY_INLINE std::int32_t index_of(std::uint64_t rank) { return static_cast<std::int32_t>(rank & 0xffffffffU); }

void OrderRanksKernel(std::uint64_t* ranks, std::int64_t count, std::int32_t* order) {
  if (count > kMostCounted) {
    std::sort(ranks, ranks + count);
    for (std::int64_t place = 0; place < count; ++place) order[place] = index_of(ranks[place]);
    return;
  }
  const Ranks d;
  HWY_ALIGN std::uint64_t places[kRanks];
  for (std::int64_t first = 0; first < count; first += kRanks) {
    const auto mine = hn::LoadU(d, ranks + first);
    auto smaller = hn::Zero(d);
    for (std::int64_t other = 0; other < count; ++other)
      smaller = hn::Sub(smaller, hn::VecFromMask(d, hn::Lt(hn::Set(d, ranks[other]), mine)));
    hn::Store(smaller, d, places);
    for (std::int64_t lane = 0; lane < HWY_MIN(kRanks, count - first); ++lane)
      order[places[lane]] = index_of(ranks[first + lane]);
  }
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(OrderRanksKernel);

void order_ranks(std::uint64_t* ranks, std::int64_t count, std::int32_t* order) {
  HWY_DYNAMIC_DISPATCH(OrderRanksKernel)(ranks, count, order);
}

}  // namespace fathom
#endif
