// The sums of ops/released_arithmetic.h, their columns side by side. Included once per instruction set.
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

// row_sum of the values that `part(element)` has in its lanes, from `element` on, and `value(element)` one by one.
template <typename PartOf, typename Value>
HWY_INLINE float row_sum_along(std::int64_t count, const PartOf& part, const Value& value) {
  if (count < kSumLanes) return row_sum(count, value);
  HWY_ALIGN float sums[kSumColumns];
  const std::int64_t rows = count / kSumColumns;
  for (std::int64_t column = 0; column < kSumColumns; column += kLanes)
    store_part(cascade_part(rows, [&](std::int64_t row) HWY_ATTR { return part(row * kSumColumns + column); }),
               sums + column);
  std::int64_t element = rows * kSumColumns;
  for (; element + kSumLanes <= count; element += kSumLanes)
    for (std::int64_t lane = 0; lane < kSumLanes; ++lane) sums[lane] += value(element + lane);
  float sum = 0.0F;
  for (; element < count; ++element) sum += value(element);
  for (std::int64_t lane = 0; lane < kSumLanes; ++lane) {
    for (std::int64_t vector = 1; vector < kSumVectors; ++vector) sums[lane] += sums[vector * kSumLanes + lane];
    sum += sums[lane];
  }
  return sum;
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
