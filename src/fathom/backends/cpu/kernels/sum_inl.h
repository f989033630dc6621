// The sums of ops/released_arithmetic.h, a vector of them side by side. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_SUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_SUM_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_SUM_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_SUM_INL_H_
#endif

#include "fathom/backends/cpu/kernels/wide_inl.h"
#include "fathom/ops/released_arithmetic.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

inline constexpr std::int64_t kSumColumns = kSumLanes * kSumVectors;

// cascade_sum in every lane.
template <typename Value>
HWY_INLINE Part cascade_part(std::int64_t rows, const Value& value) {
  Part level[kCascadeLevels];
  for (std::int64_t index = 0; index < kCascadeLevels; ++index) level[index] = zero_part();
  std::int64_t row = 0;
  while (row + kCascadeStep <= rows) {
    for (std::int64_t step = 0; step < kCascadeStep; ++step) level[0] = hn::Add(level[0], value(row++));
    std::int64_t mask = kCascadeStep - 1;
    for (std::int64_t upper = 1; upper < kCascadeLevels; ++upper) {
      level[upper] = hn::Add(level[upper], level[upper - 1]);
      level[upper - 1] = zero_part();
      mask *= kCascadeStep;
      if ((row & mask) != 0) break;
    }
  }
  while (row < rows) level[0] = hn::Add(level[0], value(row++));
  for (std::int64_t upper = 1; upper < kCascadeLevels; ++upper) level[0] = hn::Add(level[0], level[upper]);
  return level[0];
}

// row_sum in every lane.
template <typename Value>
HWY_INLINE Part row_sum_part(std::int64_t count, const Value& value) {
  const std::int64_t lanes = count < kSumLanes ? 1 : kSumLanes;
  const std::int64_t columns = kSumVectors * lanes;
  const std::int64_t rows = count / columns;
  const std::int64_t whole = count / lanes * lanes;
  Part lane_sums[kSumLanes];
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto column = [&](std::int64_t vector) HWY_ATTR {
      return cascade_part(rows,
                          [&](std::int64_t row) HWY_ATTR { return value(row * columns + vector * lanes + lane); });
    };
    lane_sums[lane] = column(0);
    for (std::int64_t element = rows * columns + lane; element < whole; element += lanes)
      lane_sums[lane] = hn::Add(lane_sums[lane], value(element));
    for (std::int64_t vector = 1; vector < kSumVectors; ++vector)
      lane_sums[lane] = hn::Add(lane_sums[lane], column(vector));
  }
  if (lanes == 1) return lane_sums[0];
  Part sum = zero_part();
  for (std::int64_t element = whole; element < count; ++element) sum = hn::Add(sum, value(element));
  for (std::int64_t lane = 0; lane < kSumLanes; ++lane) sum = hn::Add(sum, lane_sums[lane]);
  return sum;
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
