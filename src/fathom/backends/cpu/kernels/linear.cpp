#include "fathom/backends/cpu/kernels/linear.h"

#include <type_traits>

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/linear.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/codes_inl.h"
#include "fathom/backends/cpu/kernels/tile_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Vectors of sums in flight: enough to hide the latency of a sum, few enough for the registers.
inline constexpr int kSumsAtOnce = 8;
inline constexpr std::int64_t kApartColumns = 128;  // at a time with scales apart: what lies beside stays in L1
inline constexpr std::int64_t kPanelColumns = 256;  // decoded at a time otherwise: 16 KiB of floats

#if HWY_TARGET != HWY_SCALAR  // which has no registers for a few rows, and takes long to compile sixteen parts apart

// --- a few rows: decode in registers --------------------------------------------------------------------------------

template <int kRows, int kTiles>
struct FewRows {
  const float* x[kRows];
  const std::byte* block[kTiles];
  Part sums[kTiles][kParts][kRows];
  HWY_ALIGN float scales[kTiles * kTileOutputs];
};

enum class Scales : std::uint8_t { none, within, apart };

template <int kRows, int kTiles>
HWY_INLINE void open_few_rows(const LinearPiece& piece, std::int64_t first_tile, FewRows<kRows, kTiles>& state) {
  for (int row = 0; row < kRows; ++row) state.x[row] = piece.x[row];
  for (int tile = 0; tile < kTiles; ++tile) {
    state.block[tile] = piece.weight->block(first_tile + tile, 0);
    for (auto& part : state.sums[tile])
      for (Part& sum : part) sum = zero_part();
  }
}

// sums[row][tile * 16 + lane]
template <int kRows, int kTiles>
HWY_INLINE void store_few_rows(const FewRows<kRows, kTiles>& state, float* HWY_RESTRICT sums) {
  for (int row = 0; row < kRows; ++row)
    for (int tile = 0; tile < kTiles; ++tile)
      for (int part = 0; part < kParts; ++part)
        store_part(state.sums[tile][part][row], sums + (row * kTiles + tile) * kTileOutputs + part * kLanes);
}

// The products of one block of every tile with `columns` values of every row.
template <class Codes, bool kScaled, int kRows, int kTiles>
HWY_INLINE void multiply_block(std::int64_t first, std::int64_t columns, FewRows<kRows, kTiles>& state) {
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      Part values[Codes::kColumns];
      Codes::decode(state.block[tile], part, values);
      if constexpr (kScaled) {
        const Part scale = load_part(state.scales + tile * kTileOutputs + part * kLanes);
        HWY_UNROLL(16)
        for (int step = 0; step < Codes::kColumns; ++step) values[step] = hn::Mul(values[step], scale);
      }
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) {
        Part sum = state.sums[tile][part][row];
        HWY_UNROLL(16)
        for (int step = 0; step < Codes::kColumns; ++step) {
          if (step >= columns) break;
          sum = multiply_add(set_part(state.x[row][first + step]), values[step], sum);
        }
        state.sums[tile][part][row] = sum;
      }
    }
    state.block[tile] += kBlockBytes;
  }
}

// sums[row][tile * 16 + lane] = a row times the outputs of kTiles tiles.
template <class Codes, bool kScaled, int kRows, int kTiles>
HWY_INLINE void multiply_few_rows(const LinearPiece& piece, std::int64_t first_tile, float* HWY_RESTRICT sums) {
  const PackedTiles& weight = *piece.weight;
  FewRows<kRows, kTiles> state;
  open_few_rows(piece, first_tile, state);
  for (std::int64_t column = 0; column < weight.in;) {
    const std::int64_t group = column / weight.group_columns;
    const std::int64_t end = HWY_MIN(weight.in, (group + 1) * weight.group_columns);
    if constexpr (kScaled)
      for (int tile = 0; tile < kTiles; ++tile)
        load_scales(weight, first_tile + tile, group, Codes::kLift, state.scales + tile * kTileOutputs);
    for (; column + Codes::kColumns <= end; column += Codes::kColumns)
      multiply_block<Codes, kScaled>(column, Codes::kColumns, state);
    if (column < end) multiply_block<Codes, kScaled>(column, end - column, state);  // the last block may be partial
    column = end;
  }
  store_few_rows(state, sums);
}

// Whether every x is zero or in the bounds of Note [Scales apart].
HWY_INLINE bool is_moderate(const float* x, std::int64_t count) {
  const Part least = set_part(kLeastModerateX);
  const Part most = set_part(kMostModerateX);
  auto inside = hn::Eq(zero_part(), zero_part());
  for (std::int64_t index = 0; index < count; index += kLanes) {
    const Part size = hn::Abs(load_first(x + index, count - index));
    const auto is_large_enough = hn::Or(hn::Ge(size, least), hn::Eq(size, zero_part()));
    inside = hn::And(inside, hn::And(is_large_enough, hn::Lt(size, most)));
  }
  return hn::AllTrue(Lanes(), inside);
}

template <int kRows, int kTiles>
HWY_INLINE void scale_sums(FewRows<kRows, kTiles>& state, const float* HWY_RESTRICT scales) {
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      const Part scale = load_part(scales + tile * kTileOutputs + part * kLanes);
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) state.sums[tile][part][row] = hn::Mul(state.sums[tile][part][row], scale);
    }
  }
}

// The products of `columns` columns of FP4, first decoded to bf16 blocks beside: a part's eight columns are eight links
// of one chain, and a machine that sees them together waits for each.
template <int kRows, int kTiles>
HWY_INLINE void multiply_decoded(std::int64_t columns, FewRows<kRows, kTiles>& state, std::byte* decoded) {
  constexpr std::int64_t kPairs = Fp4Codes::kColumns / 2;
  const std::int64_t blocks = (columns + Fp4Codes::kColumns - 1) / Fp4Codes::kColumns;
  const std::byte* next[kTiles];
  for (int tile = 0; tile < kTiles; ++tile) {
    std::byte* to = decoded + tile * blocks * kPairs * kBlockBytes;
    next[tile] = state.block[tile] + blocks * kBlockBytes;
    for (std::int64_t block = 0; block < blocks; ++block, to += kPairs * kBlockBytes)
      for (int part = 0; part < kParts; ++part) {
        hn::Vec<Words> pairs[kPairs];
        Fp4Codes::decode_pairs(state.block[tile] + block * kBlockBytes, part, pairs);
        HWY_UNROLL(4)
        for (int pair = 0; pair < kPairs; ++pair)
          hn::StoreU(pairs[pair], Words(), reinterpret_cast<std::uint32_t*>(to + pair * kBlockBytes) + part * kLanes);
      }
    state.block[tile] = to - blocks * kPairs * kBlockBytes;
  }
  for (std::int64_t index = 0; index < columns; index += Bf16Codes::kColumns)
    multiply_block<Bf16Codes, false>(index, Bf16Codes::kColumns, state);
  for (int tile = 0; tile < kTiles; ++tile) state.block[tile] = next[tile];
}

// x times Codes::kRowLift, beside.
template <class Codes, int kRows, int kTiles>
HWY_INLINE void multiply_lifted(std::int64_t columns, FewRows<kRows, kTiles>& state, float* lifted) {
  for (int row = 0; row < kRows; ++row) {
    float* to = lifted + row * kApartColumns;
    for (std::int64_t index = 0; index < columns; index += kLanes)
      store_part(hn::Mul(load_first(state.x[row] + index, columns - index), set_part(Codes::kRowLift)), to + index);
    state.x[row] = to;
  }
  std::int64_t index = 0;
  for (; index + Codes::kColumns <= columns; index += Codes::kColumns)
    multiply_block<Codes, false>(index, Codes::kColumns, state);
  if (index < columns) multiply_block<Codes, false>(index, columns - index, state);
}

// The same by Note [Scales apart].
template <class Codes, int kRows, int kTiles>
HWY_INLINE void multiply_few_rows_scales_apart(const LinearPiece& piece, std::int64_t first_tile,
                                               float* HWY_RESTRICT sums) {
  constexpr bool kFp4 = std::is_same_v<Codes, Fp4Codes>;
  constexpr std::int64_t kMostColumns = kFp4 ? kApartColumns / 4 : kApartColumns;
  const PackedTiles& weight = *piece.weight;
  FewRows<kRows, kTiles> state;
  HWY_ALIGN float inverses[kTiles * kTileOutputs];
  HWY_ALIGN std::byte beside[kFp4 ? kTiles * kMostColumns / 2 * kBlockBytes : kRows * kMostColumns * 4];
  open_few_rows(piece, first_tile, state);
  for (std::int64_t column = 0; column < weight.in;) {
    const std::int64_t group = column / weight.group_columns;
    const std::int64_t count = HWY_MIN(HWY_MIN(weight.in, (group + 1) * weight.group_columns) - column, kMostColumns);
    for (int tile = 0; tile < kTiles; ++tile)
      load_moderate_scales(weight, first_tile + tile, group, Codes::kScaleLift, state.scales + tile * kTileOutputs,
                           inverses + tile * kTileOutputs);
    for (int row = 0; row < kRows; ++row) state.x[row] = piece.x[row] + column;
    scale_sums(state, inverses);
    if constexpr (kFp4) {
      multiply_decoded(count, state, beside);
    } else {
      multiply_lifted<Codes>(count, state, reinterpret_cast<float*>(beside));
    }
    scale_sums(state, state.scales);
    column += count;
  }
  store_few_rows(state, sums);
}

template <class Codes, Scales kScales, int kRows, int kTiles>
HWY_INLINE void multiply_few_rows_by_tiles(const LinearPiece& piece, std::int64_t tile) {
  const std::int64_t last_tile = (piece.last_out + kTileOutputs - 1) / kTileOutputs;
  HWY_ALIGN float sums[kRows * kTiles * kTileOutputs];
  for (; tile + kTiles <= last_tile; tile += kTiles) {
    if constexpr (kScales == Scales::apart) {
      multiply_few_rows_scales_apart<Codes, kRows, kTiles>(piece, tile, sums);
    } else {
      multiply_few_rows<Codes, kScales == Scales::within, kRows, kTiles>(piece, tile, sums);
    }
    const std::int64_t first = HWY_MAX(piece.first_out, tile * kTileOutputs);
    const std::int64_t last = HWY_MIN(piece.last_out, (tile + kTiles) * kTileOutputs);
    for (int row = 0; row < kRows; ++row)
      std::memcpy(piece.out[row] + (first - piece.first_out),
                  sums + row * kTiles * kTileOutputs + (first - tile * kTileOutputs),
                  static_cast<std::size_t>(last - first) * sizeof(float));
  }
  if constexpr (kTiles > 1)
    if (tile < last_tile) multiply_few_rows_by_tiles<Codes, kScales, kRows, kTiles / 2>(piece, tile);
}

template <class Codes, Scales kScales, int kRows>
HWY_NOINLINE void multiply_few_with(const LinearPiece& piece) {
  constexpr int kTiles = kSumsAtOnce / (kRows * kParts);
  multiply_few_rows_by_tiles<Codes, kScales, kRows, (kTiles < 1 ? 1 : kTiles)>(piece, piece.first_out / kTileOutputs);
}

template <class Codes, bool kScaled, int kRows>
HWY_INLINE void multiply_few(const LinearPiece& piece) {
  if constexpr (kScaled) {
    bool moderate = piece.weight->moderate_scales;
    for (int row = 0; row < kRows && moderate; ++row) moderate = is_moderate(piece.x[row], piece.weight->in);
    if (moderate) return multiply_few_with<Codes, Scales::apart, kRows>(piece);
    return multiply_few_with<Codes, Scales::within, kRows>(piece);
  } else {
    multiply_few_with<Codes, Scales::none, kRows>(piece);
  }
}

#endif  // HWY_SCALAR

// --- several rows: decode a panel once, then tiles of rows and outputs ----------------------------------------------

// The sums of one tile lie in `out` itself, or beside it when the piece takes only some of the tile's outputs.
struct TileSums {
  float* row[kLinearRows];
  HWY_ALIGN float beside[kLinearRows * kTileOutputs];
  std::int64_t skipped = 0;  // of the tile's sixteen, before the piece
  std::int64_t kept = 0;
};

HWY_INLINE void open_sums(const LinearPiece& piece, std::int64_t tile, TileSums& sums) {
  const std::int64_t first = HWY_MAX(piece.first_out, tile * kTileOutputs);
  const std::int64_t last = HWY_MIN(piece.last_out, (tile + 1) * kTileOutputs);
  sums.skipped = first - tile * kTileOutputs;
  sums.kept = last - first;
  for (std::int64_t row = 0; row < piece.rows; ++row) {
    const bool whole = sums.kept == kTileOutputs;
    sums.row[row] = whole ? piece.out[row] + (first - piece.first_out) : sums.beside + row * kTileOutputs;
    store_wide(zero_wide(), sums.row[row]);
  }
}

HWY_INLINE void close_sums(const LinearPiece& piece, std::int64_t tile, const TileSums& sums) {
  if (sums.kept == kTileOutputs) return;
  const std::int64_t first = tile * kTileOutputs + sums.skipped - piece.first_out;
  for (std::int64_t row = 0; row < piece.rows; ++row)
    std::memcpy(piece.out[row] + first, sums.row[row] + sums.skipped,
                static_cast<std::size_t>(sums.kept) * sizeof(float));
}

// A tile's columns lie one after the other in memory: reading them in order lets the machine fetch ahead.
template <class Codes>
HWY_NOINLINE void multiply_many(const LinearPiece& piece) {
  const PackedTiles& weight = *piece.weight;
  const bool stored = weight.code_format == CodeFormat::f32;  // the tile itself is a panel
  HWY_ALIGN float panel[kPanelColumns * kTileOutputs];
  TileSums sums;
  const float* x[kLinearRows];
  for (std::int64_t tile = piece.first_out / kTileOutputs; tile * kTileOutputs < piece.last_out; ++tile) {
    open_sums(piece, tile, sums);
    for (std::int64_t column = 0; column < weight.in; column += kPanelColumns) {
      const std::int64_t depth = HWY_MIN(kPanelColumns, weight.in - column);
      for (std::int64_t row = 0; row < piece.rows; ++row) x[row] = piece.x[row] + column;
      if (!stored) decode_panel<Codes>(weight, tile, column, column + depth, panel);
      multiply_tile({.x = x,
                     .panel = stored ? reinterpret_cast<const float*>(weight.block(tile, column)) : panel,
                     .depth = depth,
                     .out = sums.row,
                     .rows = piece.rows});
    }
    close_sums(piece, tile, sums);
  }
}

template <class Codes, bool kScaled>
HWY_INLINE void multiply(const LinearPiece& piece) {
#if HWY_TARGET != HWY_SCALAR
  switch (piece.rows) {
    case 1: return multiply_few<Codes, kScaled, 1>(piece);
    case 2: return multiply_few<Codes, kScaled, 2>(piece);
    case 3: return multiply_few<Codes, kScaled, 3>(piece);
    case 4: return multiply_few<Codes, kScaled, 4>(piece);
    default: break;
  }
#endif
  multiply_many<Codes>(piece);
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
