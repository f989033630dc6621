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

// out[row][tile * 16 + lane] += sum_k x[row][k * x_step] * panel[k * panel_step + tile * tile_step + lane], for k
// ascending in [0, depth).
struct TileProduct {
  const float* const* x = nullptr;  // [rows]
  std::int64_t x_step = 1;
  const float* panel = nullptr;
  std::int64_t panel_step = 16;
  std::int64_t depth = 0;
  float* const* out = nullptr;  // [rows], sixteen floats for every tile each
  std::int64_t rows = 0;
  std::int64_t tiles = 1;
  std::int64_t tile_step = 16;
};

// Rows that fill the registers with accumulators, beside a line of the panel and one value of x; and how many such
// accumulators there may be where few rows meet several tiles.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kTileRows = 12;  // 32 registers of sixteen lanes
inline constexpr int kTileSums = 24;
#elif HWY_TARGET == HWY_NEON
inline constexpr int kTileRows = 6;  // 32 registers of four lanes
inline constexpr int kTileSums = 6;
#elif HWY_TARGET == HWY_AVX2
inline constexpr int kTileRows = 6;  // 16 registers of eight lanes
inline constexpr int kTileSums = 6;
#else
inline constexpr int kTileRows = 3;  // 16 registers of four lanes
inline constexpr int kTileSums = 3;
#endif

template <int kRows, int kTiles>
HWY_INLINE void multiply_rows(const TileProduct& product, std::int64_t first, std::int64_t tile) {
  Wide sums[kRows][kTiles];
  const float* x[kRows];
  HWY_UNROLL(16)
  for (int row = 0; row < kRows; ++row) {
    HWY_UNROLL(4)
    for (int each = 0; each < kTiles; ++each)
      sums[row][each] = load_wide(product.out[first + row] + (tile + each) * 16);
    x[row] = product.x[first + row];
  }
  const float* panel = product.panel + tile * product.tile_step;
  const std::int64_t end = product.depth * product.x_step;
  for (std::int64_t k = 0; k < end; k += product.x_step) {
    Wide line[kTiles];
    HWY_UNROLL(4)
    for (int each = 0; each < kTiles; ++each) line[each] = load_wide(panel + each * product.tile_step);
    HWY_UNROLL(16)
    for (int row = 0; row < kRows; ++row) {
      const Part value = set_part(x[row][k]);
      HWY_UNROLL(4)
      for (int each = 0; each < kTiles; ++each) {
        HWY_UNROLL(16)
        for (int part = 0; part < kParts; ++part)
          sums[row][each].part[part] = multiply_add(value, line[each].part[part], sums[row][each].part[part]);
      }
    }
    panel += product.panel_step;
  }
  HWY_UNROLL(16)
  for (int row = 0; row < kRows; ++row) {
    HWY_UNROLL(4)
    for (int each = 0; each < kTiles; ++each)
      store_wide(sums[row][each], product.out[first + row] + (tile + each) * 16);
  }
}

template <int kTiles, int kRows = HWY_MAX(1, HWY_MIN(kTileRows, kTileSums / kTiles))>
HWY_INLINE void multiply_some_rows(const TileProduct& product, std::int64_t first, std::int64_t count,
                                   std::int64_t tile) {
  if (count == kRows) return multiply_rows<kRows, kTiles>(product, first, tile);
  if constexpr (kRows > 1) multiply_some_rows<kTiles, kRows - 1>(product, first, count, tile);
}

// Equal shares of the rows: seven as four and three, since few sums at once wait for their own latency.
template <int kTiles>
HWY_INLINE void multiply_tiles_from(const TileProduct& product, std::int64_t turns, std::int64_t tile) {
  for (; tile + kTiles <= product.tiles; tile += kTiles)
    for (std::int64_t turn = 0; turn < turns; ++turn) {
      const std::int64_t first = turn * product.rows / turns;
      multiply_some_rows<kTiles>(product, first, (turn + 1) * product.rows / turns - first, tile);
    }
  if constexpr (kTiles > 1)
    if (tile < product.tiles) multiply_tiles_from<kTiles / 2>(product, turns, tile);
}

HWY_INLINE void multiply_tile(const TileProduct& product) {
  const std::int64_t turns = (product.rows + kTileRows - 1) / kTileRows;
  if (turns == 0) return;
  const std::int64_t most = (product.rows + turns - 1) / turns;
  if (4 * most <= kTileSums && product.tiles >= 4) return multiply_tiles_from<4>(product, turns, 0);
  if (2 * most <= kTileSums && product.tiles >= 2) return multiply_tiles_from<2>(product, turns, 0);
  multiply_tiles_from<1>(product, turns, 0);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
