#include "fathom/backends/cpu/kernels/linear.h"

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/linear.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/few_rows_inl.h"
#include "fathom/backends/cpu/kernels/strips_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// What the products of a block of columns meet lies in the caches together: the block's strips and the tiles' sums in
// the second, a panel and a strip in the first. Sums meet a block of columns once; more tiles at once would let fewer
// of them stay, fewer would read the strips more often. Of not so many rows all columns stay, and codes are read in
// the order of memory.
inline constexpr std::int64_t kTilesAtOnce = 8;

HWY_INLINE void copy_outputs(const float* from, std::int64_t count, float* to) {
  if (count == kTileOutputs) return store_wide(load_wide(from), to);
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

// Some columns of a piece's rows: as strips, or as they lie.
struct BlockOfRows {
  const LinearPiece* piece = nullptr;
  std::int64_t column = 0;  // of the weight, where the block begins
  std::int64_t columns = 0;
};

// Asks for the codes of a panel.
template <class Codes, int kTiles>
HWY_INLINE void prefetch_panel(const PackedTiles& weight, std::int64_t tile, std::int64_t first, std::int64_t columns) {
  for (int each = 0; each < kTiles && tile + each < weight.tiles(); ++each)
    prefetch_codes<Codes>(weight, tile + each, first, HWY_MIN(columns, weight.in - first));
}

// sums[row][tile * 16 + lane] += the block's rows times kTiles tiles.
template <class Codes, int kTiles>
HWY_INLINE void multiply_panels(const BlockOfRows& block, std::int64_t tile, float* HWY_RESTRICT decoded,
                                float* HWY_RESTRICT sums) {
  constexpr bool kStored = Codes::kFormat == CodeFormat::f32;
  constexpr int kStep = kTiles * static_cast<int>(kTileOutputs);
  const LinearPiece& piece = *block.piece;
  const PackedTiles& weight = *piece.weight;
  const std::int64_t tile_step = kStored ? weight.tile_bytes() / std::int64_t{sizeof(float)} : kTileOutputs;
  constexpr std::int64_t kColumns = kStripColumns / kPanelTiles;
  for (std::int64_t first = 0; first < block.columns; first += kColumns) {
    const std::int64_t column = block.column + first;
    const std::int64_t depth = HWY_MIN(kColumns, block.columns - first);
    const float* panel = kStored ? reinterpret_cast<const float*>(weight.block(tile, column)) : decoded;
    if (piece.rows <= kRowsThatStay && column == 0 && tile == piece.first_out / kTileOutputs)
      prefetch_panel<Codes, kTiles>(weight, tile, 0, kColumns);
    for (int each = 0; !kStored && each < kTiles; ++each)
      decode_panel<Codes, kStep>(weight, tile + each, column, column + depth, decoded + each * kTileOutputs);
    if (piece.rows <= kRowsThatStay) {
      const bool is_last = column + depth == weight.in;
      prefetch_panel<Codes, kTiles>(weight, is_last ? tile + kTiles : tile, is_last ? 0 : column + depth, kColumns);
    }
    if (piece.strips != nullptr) {
      multiply_strips<kTiles>({.strips = piece.strips + block.column * piece.rows,
                               .laid = block.columns,
                               .first = first,
                               .panel = panel,
                               .depth = depth,
                               .rows = piece.rows,
                               .sums = sums});
      continue;
    }
    const float* x[kRowsThatStay];
    float* out[kRowsThatStay];
    for (std::int64_t row = 0; row < piece.rows; ++row) {
      x[row] = piece.x[row] + column;
      out[row] = sums + row * kStep;
    }
    multiply_tile({.x = x,
                   .panel = panel,
                   .panel_step = kStored ? kTileOutputs : kStep,
                   .depth = depth,
                   .out = out,
                   .rows = piece.rows,
                   .tiles = kTiles,
                   .tile_step = tile_step});
  }
}

// kPanels: tiles of a panel.
template <class Codes, int kPanels>
HWY_NOINLINE void multiply_tiles(const LinearPiece& piece, std::int64_t first_tile, std::int64_t last_tile) {
  const PackedTiles& weight = *piece.weight;
  HWY_ALIGN float panel[kStripColumns * kTileOutputs];
  HWY_ALIGN float sums[kTilesAtOnce * kLinearRows * kTileOutputs];  // [panels, row, tiles of one, 16]
  const std::int64_t tile_sums = piece.rows * kTileOutputs;
  std::memset(sums, 0, static_cast<std::size_t>((last_tile - first_tile) * tile_sums) * sizeof(float));
  for (std::int64_t column = 0; column < weight.in; column += kStripColumns) {
    const BlockOfRows block = {
        .piece = &piece, .column = column, .columns = HWY_MIN(kStripColumns, weight.in - column)};
    std::int64_t tile = first_tile;
    for (; tile + kPanels <= last_tile; tile += kPanels)
      multiply_panels<Codes, kPanels>(block, tile, panel, sums + (tile - first_tile) * tile_sums);
    for (; tile < last_tile; ++tile)
      multiply_panels<Codes, 1>(block, tile, panel, sums + (tile - first_tile) * tile_sums);
  }
  for (std::int64_t row = 0; row < piece.rows; ++row)
    for (std::int64_t tile = first_tile; tile < last_tile; ++tile) {
      const std::int64_t first = HWY_MAX(piece.first_out, tile * kTileOutputs);
      const std::int64_t last = HWY_MIN(piece.last_out, (tile + 1) * kTileOutputs);
      const std::int64_t panel_tile = (tile - first_tile) / kPanels * kPanels;
      const std::int64_t beside = HWY_MIN(kPanels, last_tile - first_tile - panel_tile);  // tiles of its panel
      const float* from = sums + panel_tile * tile_sums +
                          (row * beside + (tile - first_tile) % kPanels) * kTileOutputs + (first - tile * kTileOutputs);
      copy_outputs(from, last - first, piece.out[row] + (first - piece.first_out));
    }
}

template <class Codes, int kPanels>
HWY_INLINE void multiply_many_by(const LinearPiece& piece) {
  const std::int64_t at_once = piece.rows <= kRowsThatStay ? kPanels : kTilesAtOnce;
  const std::int64_t last_tile = (piece.last_out + kTileOutputs - 1) / kTileOutputs;
  for (std::int64_t tile = piece.first_out / kTileOutputs; tile < last_tile; tile += at_once)
    multiply_tiles<Codes, kPanels>(piece, tile, HWY_MIN(last_tile, tile + at_once));
}

// Floats are panels as they lie, whose tiles are no neighbours: strips meet one at a time.
template <class Codes>
HWY_INLINE void multiply_many(const LinearPiece& piece) {
  if (Codes::kFormat == CodeFormat::f32 && piece.strips != nullptr) return multiply_many_by<Codes, 1>(piece);
  multiply_many_by<Codes, kPanelTiles>(piece);
}

template <class Codes, bool kScaled>
HWY_INLINE void multiply(const LinearPiece& piece) {
#if HWY_TARGET != HWY_SCALAR
  if (piece.rows <= most_few_rows(Codes::kFormat, piece.weight->in))
    return multiply_few_in_turns<Codes, kScaled>(piece);
#endif
  multiply_many<Codes>(piece);
}

void LinearPieceKernel(const LinearPiece& piece) {
  switch (piece.weight->code_format) {
    case CodeFormat::f32: return multiply<F32Codes, false>(piece);
    case CodeFormat::bf16: return multiply<Bf16Codes, false>(piece);
    case CodeFormat::indexed_bf16: return multiply<IndexedBf16Codes, false>(piece);
    case CodeFormat::fp8: return multiply<Fp8Codes, true>(piece);
    case CodeFormat::fp4: return multiply<Fp4Codes, true>(piece);
  }
}

std::int64_t FewRowsKernel(CodeFormat format, std::int64_t columns) { return most_few_rows(format, columns); }

void LayStripsKernel(const float* const* x, std::int64_t rows, std::int64_t columns, std::int64_t first,
                     float* HWY_RESTRICT strips) {
  lay_block(x, rows, first, HWY_MIN(kStripColumns, columns - first), strips + first * rows);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(LinearPieceKernel);
HWY_EXPORT(LayStripsKernel);
HWY_EXPORT(FewRowsKernel);

void linear_piece(const LinearPiece& piece) { HWY_DYNAMIC_DISPATCH(LinearPieceKernel)(piece); }

std::int64_t few_rows(CodeFormat format, std::int64_t columns) {
  return HWY_DYNAMIC_DISPATCH(FewRowsKernel)(format, columns);
}

void lay_strips(const float* const* x, std::int64_t rows, std::int64_t columns, std::int64_t first, float* strips) {
  HWY_DYNAMIC_DISPATCH(LayStripsKernel)(x, rows, columns, first, strips);
}

}  // namespace fathom
#endif
