#include "fathom/backends/cpu/kernels/pool.h"

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/pool.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/sum_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

void PoolRows(std::span<const PooledRow> rows, std::int64_t columns, Arena& scratch, float* out) {
  const Arena::Scope scope(scratch);
  float* weights = scratch.take<float, 1>({std::ssize(rows) * kLanes}).data();
  for (std::int64_t column = 0; column < columns; column += kLanes) {
    const std::int64_t left = columns - column;
    const auto score = [&](const PooledRow& row) HWY_ATTR {
      return hn::Add(load_first(row.gate + column, left), load_first(row.ape + column, left));
    };
    Part largest = score(rows.front());
    for (const PooledRow& row : rows) largest = hn::Max(largest, score(row));
    Part weight_sum = zero_part();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const Part weight = exp_part(hn::Sub(score(rows[row]), largest));
      weight_sum = hn::Add(weight_sum, weight);
      store_part(weight, weights + row * kLanes);
    }
    const Part sum = cascade_part(std::ssize(rows), [&](std::int64_t row) HWY_ATTR {
      return hn::Mul(load_first(rows[static_cast<std::size_t>(row)].kv + column, left),
                     hn::Div(load_part(weights + row * kLanes), weight_sum));
    });
    store_first(sum, out + column, left);
  }
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(PoolRows);

void pool_rows(std::span<const PooledRow> rows, std::int64_t columns, Arena& scratch, float* out) {
  HWY_DYNAMIC_DISPATCH(PoolRows)(rows, columns, scratch, out);
}

}  // namespace fathom
#endif
