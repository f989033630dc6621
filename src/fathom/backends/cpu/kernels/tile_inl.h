// The one product every kernel is made of: rows times a tile of sixteen outputs, each output one chain of
// products and sums in the order of depth. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_TILE_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_TILE_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_TILE_INL_H_
#endif

#include "fathom/backends/cpu/kernels/wide_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// out[row][lane] += sum_k x[row][k * x_step] * panel[k * panel_step + lane], for k ascending in [0, depth).
struct TileProduct {
  const float* const* x = nullptr;  // [rows]
  std::int64_t x_step = 1;
  const float* panel = nullptr;
  std::int64_t panel_step = 16;
  std::int64_t depth = 0;
  float* const* out = nullptr;  // [rows], sixteen floats each
  std::int64_t rows = 0;
};

// Rows that fill the registers with accumulators, beside a line of the panel and one value of x.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kTileRows = 12;  // 32 registers of sixteen lanes
#elif HWY_TARGET == HWY_NEON
inline constexpr int kTileRows = 6;  // 32 registers of four lanes
#elif HWY_TARGET == HWY_AVX2
inline constexpr int kTileRows = 6;  // 16 registers of eight lanes
#else
inline constexpr int kTileRows = 3;  // 16 registers of four lanes
#endif

template <int kRows>
HWY_INLINE void multiply_rows(const TileProduct& product, std::int64_t first) {
  Wide sums[kRows];
  const float* x[kRows];
  HWY_UNROLL(16)
  for (int row = 0; row < kRows; ++row) {
    sums[row] = load_wide(product.out[first + row]);
    x[row] = product.x[first + row];
  }
  const float* panel = product.panel;
  const std::int64_t end = product.depth * product.x_step;
  for (std::int64_t k = 0; k < end; k += product.x_step) {
    const Wide line = load_wide(panel);
    HWY_UNROLL(16)
    for (int row = 0; row < kRows; ++row) {
      const Part value = set_part(x[row][k]);
      HWY_UNROLL(16)
      for (int part = 0; part < kParts; ++part)
        sums[row].part[part] = multiply_add(value, line.part[part], sums[row].part[part]);
    }
    panel += product.panel_step;
  }
  HWY_UNROLL(16)
  for (int row = 0; row < kRows; ++row) store_wide(sums[row], product.out[first + row]);
}

template <int kRows = kTileRows>
HWY_INLINE void multiply_some_rows(const TileProduct& product, std::int64_t first, std::int64_t count) {
  if (count == kRows) return multiply_rows<kRows>(product, first);
  if constexpr (kRows > 1) multiply_some_rows<kRows - 1>(product, first, count);
}

// Equal shares of the rows: seven as four and three, since few sums at once wait for their own latency.
HWY_INLINE void multiply_tile(const TileProduct& product) {
  const std::int64_t turns = (product.rows + kTileRows - 1) / kTileRows;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    const std::int64_t first = turn * product.rows / turns;
    multiply_some_rows(product, first, (turn + 1) * product.rows / turns - first);
  }
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
