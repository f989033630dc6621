// Many rows times tiles of sixteen outputs. A strip is as many rows as fill the registers with sums; it lies column by
// column, so that a product reads one stream of memory: rows by themselves lie a power of two apart, in few of a
// cache's sets. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_STRIPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_STRIPS_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_STRIPS_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_STRIPS_INL_H_
#endif

#include "fathom/backends/cpu/kernels/tile_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Rows divided into strips, equal shares: seven as four and three, since few sums at once wait for their own latency.
template <typename Body>
HWY_INLINE void for_each_strip(std::int64_t rows, const Body& body) {
  const std::int64_t strips = (rows + kTileRows - 1) / kTileRows;
  for (std::int64_t strip = 0; strip < strips; ++strip) {
    const std::int64_t first = strip * rows / strips;
    body(first, (strip + 1) * rows / strips - first);
  }
}

template <int kRows>
HWY_INLINE void lay_strip(const float* const* x, std::int64_t column, std::int64_t depth, float* HWY_RESTRICT to) {
  const float* row[kRows];
  for (int index = 0; index < kRows; ++index) row[index] = x[index] + column;
  for (std::int64_t k = 0; k < depth; ++k, to += kRows)
    for (int index = 0; index < kRows; ++index) to[index] = row[index][k];
}

template <int kRows = kTileRows>
HWY_INLINE void lay_some(const float* const* x, std::int64_t rows, std::int64_t column, std::int64_t depth,
                         float* HWY_RESTRICT to) {
  if (rows == kRows) return lay_strip<kRows>(x, column, depth, to);
  if constexpr (kRows > 1) lay_some<kRows - 1>(x, rows, column, depth, to);
}

// Columns [column, column + depth) of every row: strips one after the other, [depth, rows of the strip] each.
HWY_INLINE void lay_block(const float* const* x, std::int64_t rows, std::int64_t column, std::int64_t depth,
                          float* HWY_RESTRICT to) {
  for_each_strip(rows, [&](std::int64_t first, std::int64_t count)
                           HWY_ATTR { lay_some(x + first, count, column, depth, to + first * depth); });
}

// Tiles of a panel. One value of x meets all of them: with sixteen lanes to a register a product and a sum with one
// tile take half a cycle each, and the value's load as long.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kPanelTiles = 2;
#else
inline constexpr int kPanelTiles = 1;
#endif

// sums[row][tile * 16 + lane] += sum_k x[row][k] * panel[k][tile * 16 + lane], for k ascending in [0, depth).
struct StripsProduct {
  const float* strips = nullptr;  // lay_block of the rows
  std::int64_t laid = 0;          // its columns
  std::int64_t first = 0;         // of them
  const float* panel = nullptr;   // [depth, tiles, 16]
  std::int64_t depth = 0;
  std::int64_t rows = 0;
  float* sums = nullptr;  // [rows, tiles, 16]
};

template <int kRows, int kTiles>
HWY_INLINE void multiply_strip(const float* HWY_RESTRICT x, const float* HWY_RESTRICT panel, std::int64_t depth,
                               float* HWY_RESTRICT to) {
  Wide sums[kRows][kTiles];
  HWY_UNROLL(16)
  for (int row = 0; row < kRows; ++row) {
    HWY_UNROLL(2)
    for (int tile = 0; tile < kTiles; ++tile) sums[row][tile] = load_wide(to + (row * kTiles + tile) * kTileOutputs);
  }
  HWY_UNROLL(2)
  for (std::int64_t k = 0; k < depth; ++k) {
    Wide line[kTiles];
    HWY_UNROLL(2)
    for (int tile = 0; tile < kTiles; ++tile) line[tile] = load_wide(panel + (k * kTiles + tile) * kTileOutputs);
    HWY_UNROLL(16)
    for (int row = 0; row < kRows; ++row) {
      const Part value = set_part(x[k * kRows + row]);
      HWY_UNROLL(2)
      for (int tile = 0; tile < kTiles; ++tile) {
        HWY_UNROLL(16)
        for (int part = 0; part < kParts; ++part)
          sums[row][tile].part[part] = multiply_add(value, line[tile].part[part], sums[row][tile].part[part]);
      }
    }
  }
  HWY_UNROLL(16)
  for (int row = 0; row < kRows; ++row) {
    HWY_UNROLL(2)
    for (int tile = 0; tile < kTiles; ++tile) store_wide(sums[row][tile], to + (row * kTiles + tile) * kTileOutputs);
  }
}

template <int kTiles, int kRows = kTileRows>
HWY_INLINE void multiply_some(const StripsProduct& product, std::int64_t first, std::int64_t count) {
  if (count == kRows)
    return multiply_strip<kRows, kTiles>(product.strips + first * product.laid + product.first * kRows, product.panel,
                                         product.depth, product.sums + first * kTiles * kTileOutputs);
  if constexpr (kRows > 1) multiply_some<kTiles, kRows - 1>(product, first, count);
}

template <int kTiles>
HWY_INLINE void multiply_strips(const StripsProduct& product) {
  for_each_strip(product.rows, [&](std::int64_t first, std::int64_t count)
                                   HWY_ATTR { multiply_some<kTiles>(product, first, count); });
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
