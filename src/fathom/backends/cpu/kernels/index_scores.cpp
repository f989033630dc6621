#include "fathom/backends/cpu/kernels/index_scores.h"

#include "fathom/backends/cpu/kernels/pack_fp4.h"
#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/index_scores.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/codes_inl.h"
#include "fathom/backends/cpu/kernels/tile_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Sixteen keys as a panel [index_dim][16], zeros for those that are not there.
HWY_INLINE const float* panel_of_stored_floats(const IndexScoresPiece& piece, Arena& arena) {
  const std::int64_t dim = piece.format.index_dim;
  float* panel = arena.take<float, 1>({dim * 16}).data();
  std::memset(panel, 0, static_cast<std::size_t>(dim) * 16 * sizeof(float));
  for (std::int64_t key = 0; key < piece.keys; ++key)
    for (std::int64_t column = 0; column < dim; ++column)
      std::memcpy(panel + column * 16 + key, piece.rows[key] + column * 4, sizeof(float));
  return panel;
}

// The keys are packed as a tile of an FP4 weight is, and decoded by the same code.
HWY_INLINE const float* panel_of_nibbles(const IndexScoresPiece& piece, Arena& arena) {
  const std::int64_t dim = piece.format.index_dim;
  const std::int64_t blocks = (dim + 7) / 8;
  std::byte* codes = arena.take<std::byte, 1>({blocks * kBlockBytes}).data();
  std::byte* scales = arena.take<std::byte, 1>({piece.format.scale_groups() * kTileOutputs}).data();
  pack_fp4_tile(piece.rows, piece.keys, dim, codes);
  for (std::int64_t group = 0; group < piece.format.scale_groups(); ++group)
    for (std::int64_t key = 0; key < kTileOutputs; ++key)
      scales[group * kTileOutputs + key] = key < piece.keys ? piece.rows[key][dim / 2 + group] : std::byte{127};
  const PackedTiles tile = {.code_format = CodeFormat::fp4,
                            .scale_format = ScaleFormat::e8m0,
                            .out = kTileOutputs,
                            .in = dim,
                            .group_columns = kIndexScaleGroup,
                            .groups = piece.format.scale_groups(),
                            .codes = codes,
                            .scales = scales};
  float* panel = arena.take<float, 1>({blocks * 8 * kTileOutputs}).data();
  decode_panel<Fp4Codes>(tile, 0, 0, dim, panel);
  return panel;
}

// The scores of one query, from its heads' products.
HWY_INLINE void add_heads(const IndexScoresPiece& piece, std::int64_t query, const float* products) {
  for (std::int64_t key = 0; key < piece.keys; key += kLanes) {
    Part score = zero_part();
    for (std::int64_t head = 0; head < piece.heads; ++head) {
      const Part product = load_part(products + head * 16 + key);
      const Part positive = hn::IfThenElse(hn::Lt(product, zero_part()), zero_part(), product);
      score = multiply_add(set_part(piece.weights[query * piece.heads + head]), positive, score);
    }
    store_first(score, piece.scores + query * piece.score_step + key, piece.keys - key);
  }
}

void IndexScoresKernel(const IndexScoresPiece& piece, Arena& arena) {
  const Arena::Scope scope(arena);
  const bool stored = piece.format.storage == CacheStorage::float32;
  const float* panel = stored ? panel_of_stored_floats(piece, arena) : panel_of_nibbles(piece, arena);
  // With few heads several queries are multiplied together: a row's chain alone waits for its own latency.
  constexpr std::int64_t kRows = 48;
  const std::int64_t together = HWY_MIN(piece.queries, HWY_MAX(1, kRows / piece.heads));
  const std::int64_t most = together * piece.heads;
  float* products = arena.take<float, 1>({most * 16}).data();
  const float** x = arena.take<const float*, 1>({most}).data();
  float** out = arena.take<float*, 1>({most}).data();
  for (std::int64_t row = 0; row < most; ++row) out[row] = products + row * 16;

  for (std::int64_t first = 0; first < piece.queries; first += together) {
    const std::int64_t queries = HWY_MIN(together, piece.queries - first);
    const std::int64_t rows = queries * piece.heads;
    for (std::int64_t row = 0; row < rows; ++row)
      x[row] = piece.q + (first * piece.heads + row) * piece.format.index_dim;
    std::memset(products, 0, static_cast<std::size_t>(rows) * 16 * sizeof(float));
    multiply_tile({.x = x, .panel = panel, .depth = piece.format.index_dim, .out = out, .rows = rows});
    for (std::int64_t query = 0; query < queries; ++query)
      add_heads(piece, first + query, products + query * piece.heads * 16);
  }
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(IndexScoresKernel);

void index_scores_piece(const IndexScoresPiece& piece, Arena& scratch) {
  HWY_DYNAMIC_DISPATCH(IndexScoresKernel)(piece, scratch);
}

}  // namespace fathom
#endif
