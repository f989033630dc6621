// Rows side by side: what lay along a row lies across lanes. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_TURN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_TURN_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_TURN_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_TURN_INL_H_
#endif

#include "fathom/backends/cpu/kernels/wide_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

HWY_INLINE void turn_rows(const float* const* rows, std::int64_t columns, std::int64_t step, float* to) {
  for (std::int64_t column = 0; column < columns; ++column) to[column * step] = rows[0][column];
}

#else

// Columns [column, column + 4) of every fourth row, kBlocks of them.
template <int kBlocks>
HWY_INLINE auto load_every_fourth(const float* const* rows, std::int64_t column) {
  if constexpr (kBlocks == 1) {
    return hn::LoadU(hn::CappedTag<float, 4>(), rows[0] + column);
  } else {
    constexpr int kHalf = kBlocks / 2;
    return hn::Combine(hn::CappedTag<float, 4 * kBlocks>(), load_every_fourth<kHalf>(rows + 4 * kHalf, column),
                       load_every_fourth<kHalf>(rows, column));
  }
}

// to[index] has column + index of kLanes rows.
HWY_INLINE void turn_four(const float* const* rows, std::int64_t column, Part (&to)[4]) {
  const Lanes lanes;
  const Part row0 = load_every_fourth<kLanes / 4>(rows, column);
  const Part row1 = load_every_fourth<kLanes / 4>(rows + 1, column);
  const Part row2 = load_every_fourth<kLanes / 4>(rows + 2, column);
  const Part row3 = load_every_fourth<kLanes / 4>(rows + 3, column);
  const Part even_low = hn::InterleaveLower(lanes, row0, row2);
  const Part odd_low = hn::InterleaveLower(lanes, row1, row3);
  const Part even_high = hn::InterleaveUpper(lanes, row0, row2);
  const Part odd_high = hn::InterleaveUpper(lanes, row1, row3);
  to[0] = hn::InterleaveLower(lanes, even_low, odd_low);
  to[1] = hn::InterleaveUpper(lanes, even_low, odd_low);
  to[2] = hn::InterleaveLower(lanes, even_high, odd_high);
  to[3] = hn::InterleaveUpper(lanes, even_high, odd_high);
}

// to[column * step + lane] = rows[lane][column], four columns at a time.
HWY_INLINE void turn_rows(const float* const* rows, std::int64_t columns, std::int64_t step, float* to) {
  for (std::int64_t column = 0; column < columns; column += 4) {
    Part turned[4];
    turn_four(rows, column, turned);
    HWY_UNROLL(4)
    for (int index = 0; index < 4; ++index) store_part(turned[index], to + (column + index) * step);
  }
}

#endif

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
