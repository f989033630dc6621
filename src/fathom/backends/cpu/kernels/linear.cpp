#include "fathom/backends/cpu/kernels/linear.h"

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/linear.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/codes_inl.h"
#include "fathom/backends/cpu/kernels/tile_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Tiles that one row goes through at once: eight vectors of accumulators hide the latency of the sum.
inline constexpr int kTilesAtOnce = kParts >= 8 ? 1 : 8 / kParts;
inline constexpr std::int64_t kPanelColumns = 256;  // decoded at a time: 16 KiB of floats

// --- one row: decode in registers -----------------------------------------------------------------------------------

template <class Codes, bool kScaled, int kTiles>
struct RowSums {
  Part sums[kTiles * kParts];
  const std::byte* block[kTiles];
  HWY_ALIGN float scales[kTiles * kTileOutputs];
};

template <class Codes, bool kScaled, int kTiles>
HWY_INLINE void multiply_block(const float* x, std::int64_t columns, RowSums<Codes, kScaled, kTiles>& state) {
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      Part values[Codes::kColumns];
      Codes::decode(state.block[tile], part, values);
      Part sum = state.sums[tile * kParts + part];
      HWY_UNROLL(16)
      for (int step = 0; step < Codes::kColumns; ++step) {
        if (step >= columns) break;
        Part value = values[step];
        if constexpr (kScaled) value = hn::Mul(value, load_part(state.scales + tile * kTileOutputs + part * kLanes));
        sum = multiply_add(set_part(x[step]), value, sum);
      }
      state.sums[tile * kParts + part] = sum;
    }
    state.block[tile] += kBlockBytes;
  }
}

template <class Codes, bool kScaled, int kTiles>
HWY_INLINE void multiply_row(const PackedTiles& weight, std::int64_t first_tile, const float* x,
                             float* HWY_RESTRICT out) {
  RowSums<Codes, kScaled, kTiles> state;
  HWY_UNROLL(16)
  for (int sum = 0; sum < kTiles * kParts; ++sum) state.sums[sum] = zero_part();
  for (int tile = 0; tile < kTiles; ++tile) state.block[tile] = weight.block(first_tile + tile, 0);
  for (std::int64_t column = 0; column < weight.in;) {
    const std::int64_t group = column / weight.group_columns;
    const std::int64_t end = HWY_MIN(weight.in, (group + 1) * weight.group_columns);
    if constexpr (kScaled)
      for (int tile = 0; tile < kTiles; ++tile)
        load_scales(weight, first_tile + tile, group, Codes::kLift, state.scales + tile * kTileOutputs);
    for (; column + Codes::kColumns <= end; column += Codes::kColumns)
      multiply_block(x + column, Codes::kColumns, state);
    if (column < end) multiply_block(x + column, end - column, state);  // the last block may be partial
    column = end;
  }
  HWY_UNROLL(16)
  for (int sum = 0; sum < kTiles * kParts; ++sum) store_part(state.sums[sum], out + sum * kLanes);
}

template <class Codes, bool kScaled, int kTiles = kTilesAtOnce>
HWY_INLINE void multiply_row_by_tiles(const LinearPiece& piece, std::int64_t tile) {
  const std::int64_t last_tile = (piece.last_out + kTileOutputs - 1) / kTileOutputs;
  HWY_ALIGN float sums[kTiles * kTileOutputs];
  for (; tile + kTiles <= last_tile; tile += kTiles) {
    multiply_row<Codes, kScaled, kTiles>(*piece.weight, tile, piece.x[0], sums);
    const std::int64_t first = HWY_MAX(piece.first_out, tile * kTileOutputs);
    const std::int64_t last = HWY_MIN(piece.last_out, (tile + kTiles) * kTileOutputs);
    std::memcpy(piece.out[0] + (first - piece.first_out), sums + (first - tile * kTileOutputs),
                static_cast<std::size_t>(last - first) * sizeof(float));
  }
  if constexpr (kTiles > 1)
    if (tile < last_tile) multiply_row_by_tiles<Codes, kScaled, kTiles / 2>(piece, tile);
}

// --- several rows: decode a panel once, then tiles of rows and outputs ----------------------------------------------

// The sums of one tile so far lie in `out` itself, or beside it when the piece takes only some of the tile's outputs.
struct TileSums {
  float* row[kLinearRows];
  HWY_ALIGN float beside[kLinearRows * kTileOutputs];
  std::int64_t skipped = 0;  // of the tile's sixteen, before the piece
  std::int64_t kept = 0;
};

HWY_INLINE void open_sums(const LinearPiece& piece, std::int64_t tile, bool begins, TileSums& sums) {
  const std::int64_t first = HWY_MAX(piece.first_out, tile * kTileOutputs);
  const std::int64_t last = HWY_MIN(piece.last_out, (tile + 1) * kTileOutputs);
  sums.skipped = first - tile * kTileOutputs;
  sums.kept = last - first;
  for (std::int64_t row = 0; row < piece.rows; ++row) {
    float* out = piece.out[row] + (first - piece.first_out);
    sums.row[row] = sums.kept == kTileOutputs ? out : sums.beside + row * kTileOutputs;
    if (begins || sums.kept < kTileOutputs) store_wide(zero_wide(), sums.row[row]);
    if (!begins && sums.kept < kTileOutputs)
      std::memcpy(sums.row[row] + sums.skipped, out, static_cast<std::size_t>(sums.kept) * sizeof(float));
  }
}

HWY_INLINE void close_sums(const LinearPiece& piece, std::int64_t tile, const TileSums& sums) {
  if (sums.kept == kTileOutputs) return;
  const std::int64_t first = tile * kTileOutputs + sums.skipped - piece.first_out;
  for (std::int64_t row = 0; row < piece.rows; ++row)
    std::memcpy(piece.out[row] + first, sums.row[row] + sums.skipped,
                static_cast<std::size_t>(sums.kept) * sizeof(float));
}

template <class Codes>
HWY_INLINE void multiply_rows_by_tiles(const LinearPiece& piece) {
  const PackedTiles& weight = *piece.weight;
  HWY_ALIGN float panel[kPanelColumns * kTileOutputs];
  TileSums sums;
  const float* x[kLinearRows];
  for (std::int64_t column = 0; column < weight.in; column += kPanelColumns) {
    const std::int64_t depth = HWY_MIN(kPanelColumns, weight.in - column);
    for (std::int64_t row = 0; row < piece.rows; ++row) x[row] = piece.x[row] + column;
    for (std::int64_t tile = piece.first_out / kTileOutputs; tile * kTileOutputs < piece.last_out; ++tile) {
      const bool stored = weight.code_format == CodeFormat::f32;  // the tile itself is a panel
      if (!stored) decode_panel<Codes>(weight, tile, column, column + depth, panel);
      open_sums(piece, tile, column == 0, sums);
      multiply_tile({.x = x,
                     .panel = stored ? reinterpret_cast<const float*>(weight.block(tile, column)) : panel,
                     .depth = depth,
                     .out = sums.row,
                     .rows = piece.rows});
      close_sums(piece, tile, sums);
    }
  }
  if (weight.in == 0)
    for (std::int64_t row = 0; row < piece.rows; ++row)
      std::memset(piece.out[row], 0, static_cast<std::size_t>(piece.last_out - piece.first_out) * sizeof(float));
}

template <class Codes, bool kScaled>
HWY_NOINLINE void multiply(const LinearPiece& piece) {
  if (piece.rows == 1) {
    multiply_row_by_tiles<Codes, kScaled>(piece, piece.first_out / kTileOutputs);
  } else {
    multiply_rows_by_tiles<Codes>(piece);
  }
}

void LinearPieceKernel(const LinearPiece& piece) {
  switch (piece.weight->code_format) {
    case CodeFormat::f32: return multiply<F32Codes, false>(piece);
    case CodeFormat::bf16: return multiply<Bf16Codes, false>(piece);
    case CodeFormat::fp8: return multiply<Fp8Codes, true>(piece);
    case CodeFormat::fp4: return multiply<Fp4Codes, true>(piece);
  }
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(LinearPieceKernel);

void linear_piece(const LinearPiece& piece) { HWY_DYNAMIC_DISPATCH(LinearPieceKernel)(piece); }

}  // namespace fathom
#endif
