#include "fathom/backends/cpu/kernels/linear.h"

#include <type_traits>

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/linear.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/codes_inl.h"
#include "fathom/backends/cpu/kernels/strips_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Vectors of sums in flight: enough to hide the latency of a sum, few enough for the registers.
inline constexpr int kSumsAtOnce = 8;
inline constexpr int kFp4SumsAtOnce = 4;            // beside eight vectors of pairs
inline constexpr std::int64_t kApartColumns = 128;  // of a few rows lifted at a time: they stay in L1

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

// sums[part][row] += the products of a tile's block with `columns` values of every row.
template <class Codes, bool kScaled, int kRows, int kTiles>
HWY_INLINE void multiply_tile_block(const Codes& codes, const std::byte* block, int tile, std::int64_t first,
                                    std::int64_t columns, FewRows<kRows, kTiles>& state) {
  HWY_UNROLL(16)
  for (int part = 0; part < kParts; ++part) {
    Part values[Codes::kColumns];
    codes.decode(block, part, values);
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
}

// The same of every tile.
template <class Codes, bool kScaled, int kRows, int kTiles>
HWY_INLINE void multiply_block(const Codes& codes, std::int64_t first, std::int64_t columns,
                               FewRows<kRows, kTiles>& state) {
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    multiply_tile_block<Codes, kScaled>(codes, state.block[tile], tile, first, columns, state);
    state.block[tile] += block_bytes(Codes::kFormat);
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
      multiply_block<Codes, kScaled>(Codes(), column, Codes::kColumns, state);
    if (column < end)
      multiply_block<Codes, kScaled>(Codes(), column, end - column, state);  // the last block may be partial
    column = end;
  }
  store_few_rows(state, sums);
}

// The same of a weight whose blocks are not all of one kind (Note [Bf16 in twelve bits]).
template <int kRows, int kTiles>
HWY_INLINE void multiply_few_rows_indexed(const LinearPiece& piece, std::int64_t first_tile, float* HWY_RESTRICT sums) {
  constexpr std::int64_t kColumns = IndexedBf16Codes::kColumns;
  const PackedTiles& weight = *piece.weight;
  const IndexedBf16Codes codes(weight);
  FewRows<kRows, kTiles> state;
  open_few_rows(piece, first_tile, state);
  std::span<const PlainBlock> plain[kTiles];  // those to come
  for (int tile = 0; tile < kTiles; ++tile) plain[tile] = weight.plain_blocks_of(first_tile + tile);
  for (std::int64_t column = 0; column < weight.in; column += kColumns) {
    std::int64_t end = weight.in;
    for (const auto& blocks : plain)
      if (!blocks.empty()) end = HWY_MIN(end, blocks.front().column);
    for (; column < end; column += kColumns) multiply_block<IndexedBf16Codes, false>(codes, column, kColumns, state);
    if (column == weight.in) break;
    for (int tile = 0; tile < kTiles; ++tile) {
      if (!plain[tile].empty() && plain[tile].front().column == column) {
        const std::byte* block = plain[tile].front().codes;
        multiply_tile_block<Bf16Codes, false>(Bf16Codes(), block, tile, column, kColumns, state);
        plain[tile] = plain[tile].subspan(1);
      } else {
        multiply_tile_block<IndexedBf16Codes, false>(codes, state.block[tile], tile, column, kColumns, state);
      }
      state.block[tile] += block_bytes(CodeFormat::indexed_bf16);
    }
  }
  store_few_rows(state, sums);
}

// Turns sums in units of one group's scales to those of another (Note [Scales apart]).
template <int kRows, int kTiles>
HWY_INLINE void change_units(const PackedTiles& weight, std::int64_t first_tile, std::int64_t from, std::int64_t to,
                             FewRows<kRows, kTiles>& state) {
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      const auto lift = hn::Sub(moderate_exponents(weight, first_tile + tile, from, part),
                                moderate_exponents(weight, first_tile + tile, to, part));
      const Part ratio = power_of_exponent(hn::Add(lift, hn::Set(Words(), 127U)));
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) state.sums[tile][part][row] = hn::Mul(state.sums[tile][part][row], ratio);
    }
  }
}

// Sums in units of a group's scales, lowered by 2^lift, to sums.
template <int kRows, int kTiles>
HWY_INLINE void leave_units(const PackedTiles& weight, std::int64_t first_tile, std::int64_t group, int lift,
                            FewRows<kRows, kTiles>& state) {
  for (int tile = 0; tile < kTiles; ++tile)
    for (int part = 0; part < kParts; ++part) {
      const auto exponents = moderate_exponents(weight, first_tile + tile, group, part);
      const Part scale = power_of_exponent(hn::Add(exponents, hn::Set(Words(), static_cast<std::uint32_t>(lift))));
      for (int row = 0; row < kRows; ++row) state.sums[tile][part][row] = hn::Mul(state.sums[tile][part][row], scale);
    }
}

// The products of whole blocks of FP4. A part's columns are links of one chain, and a machine that meets eight of them
// at once waits for each: chains take turns column by column.
template <int kRows, int kTiles>
HWY_INLINE void multiply_fp4_block(std::int64_t first, FewRows<kRows, kTiles>& state) {
  HWY_UNROLL(2)
  for (int half = 0; half < 2; ++half) {
    hn::Vec<Words> pairs[kTiles][kParts][2];
    HWY_UNROLL(16)
    for (int tile = 0; tile < kTiles; ++tile) {
      HWY_UNROLL(16)
      for (int part = 0; part < kParts; ++part) Fp4Codes::decode_half(state.block[tile], part, half, pairs[tile][part]);
    }
    HWY_UNROLL(4)
    for (int column = 0; column < 4; ++column) {
      HWY_UNROLL(16)
      for (int tile = 0; tile < kTiles; ++tile) {
        HWY_UNROLL(16)
        for (int part = 0; part < kParts; ++part) {
          const Part value = Bf16Codes::value(pairs[tile][part][column / 2], column % 2);
          HWY_UNROLL(16)
          for (int row = 0; row < kRows; ++row) {
            Part& sum = state.sums[tile][part][row];
            sum = multiply_add(set_part(state.x[row][first + 4 * half + column]), value, sum);
            in_order(sum);
          }
        }
      }
    }
  }
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) state.block[tile] += kBlockBytes;
}

template <int kRows, int kTiles>
HWY_INLINE void multiply_fp4(std::int64_t columns, FewRows<kRows, kTiles>& state) {
  std::int64_t index = 0;
  for (; index + Fp4Codes::kColumns <= columns; index += Fp4Codes::kColumns) multiply_fp4_block(index, state);
  if (index < columns) multiply_block<Fp4Codes, false>(Fp4Codes(), index, columns - index, state);
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
    multiply_block<Codes, false>(Codes(), index, Codes::kColumns, state);
  if (index < columns) multiply_block<Codes, false>(Codes(), index, columns - index, state);
}

// The same by Note [Scales apart].
template <class Codes, int kRows, int kTiles>
HWY_INLINE void multiply_few_rows_scales_apart(const LinearPiece& piece, std::int64_t first_tile,
                                               float* HWY_RESTRICT sums) {
  constexpr bool kFp4 = std::is_same_v<Codes, Fp4Codes>;
  const PackedTiles& weight = *piece.weight;
  FewRows<kRows, kTiles> state;
  HWY_ALIGN float lifted[kFp4 ? 1 : kRows * kApartColumns];
  open_few_rows(piece, first_tile, state);
  std::int64_t unit = 0;
  for (std::int64_t column = 0; column < weight.in;) {
    const std::int64_t group = column / weight.group_columns;
    const std::int64_t end = HWY_MIN(weight.in, (group + 1) * weight.group_columns);
    const std::int64_t count = kFp4 ? end - column : HWY_MIN(end - column, kApartColumns);
    if (group != unit) change_units(weight, first_tile, unit, group, state);
    unit = group;
    for (int row = 0; row < kRows; ++row) state.x[row] = piece.x[row] + column;
    if constexpr (kFp4) {
      multiply_fp4(count, state);
    } else {
      multiply_lifted<Codes>(count, state, lifted);
    }
    column += count;
  }
  leave_units(weight, first_tile, unit, Codes::kScaleLift, state);
  store_few_rows(state, sums);
}

template <class Codes, Scales kScales, int kRows, int kTiles>
HWY_INLINE void multiply_few_rows_by_tiles(const LinearPiece& piece, std::int64_t tile) {
  const std::int64_t last_tile = (piece.last_out + kTileOutputs - 1) / kTileOutputs;
  HWY_ALIGN float sums[kRows * kTiles * kTileOutputs];
  for (; tile + kTiles <= last_tile; tile += kTiles) {
    if constexpr (Codes::kFormat == CodeFormat::indexed_bf16) {
      multiply_few_rows_indexed<kRows, kTiles>(piece, tile, sums);
    } else if constexpr (kScales == Scales::apart) {
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
  constexpr int kSums = std::is_same_v<Codes, Fp4Codes> && kScales == Scales::apart ? kFp4SumsAtOnce : kSumsAtOnce;
  constexpr int kTiles = kSums / (kRows * kParts);
  multiply_few_rows_by_tiles<Codes, kScales, kRows, (kTiles < 1 ? 1 : kTiles)>(piece, piece.first_out / kTileOutputs);
}

template <class Codes, bool kScaled, int kRows>
HWY_INLINE void multiply_few(const LinearPiece& piece) {
  if constexpr (kScaled) {
    if (piece.moderate_x && piece.weight->moderate_scales) return multiply_few_with<Codes, Scales::apart, kRows>(piece);
    return multiply_few_with<Codes, Scales::within, kRows>(piece);
  } else {
    multiply_few_with<Codes, Scales::none, kRows>(piece);
  }
}

#endif  // HWY_SCALAR

// --- several rows: decode a panel once, then strips of rows and tiles of outputs ------------------------------------

// What the products of a block of columns meet lies in the caches together: the block's strips and the tiles' sums in
// the second, a panel and a strip in the first. Sums meet a block of columns once; more tiles at once would let fewer
// of them stay, fewer would read the strips more often. Of not so many rows all columns stay, and codes are read in
// the order of memory.
inline constexpr std::int64_t kTilesAtOnce = 8;

HWY_INLINE void copy_outputs(const float* from, std::int64_t count, float* to) {
  if (count == kTileOutputs) return store_wide(load_wide(from), to);
  std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
}

template <class Codes>
HWY_NOINLINE void multiply_tiles(const LinearPiece& piece, std::int64_t first_tile, std::int64_t last_tile) {
  const PackedTiles& weight = *piece.weight;
  const bool stored = weight.code_format == CodeFormat::f32;  // the tile itself is a panel
  HWY_ALIGN float panel[kStripColumns * kTileOutputs];
  HWY_ALIGN float sums[kTilesAtOnce * kLinearRows * kTileOutputs];  // [tile, row, 16]
  const std::int64_t tile_sums = piece.rows * kTileOutputs;
  std::memset(sums, 0, static_cast<std::size_t>((last_tile - first_tile) * tile_sums) * sizeof(float));
  const bool lie = piece.strips == nullptr;
  const float* x[kRowsThatStay];
  float* out[kRowsThatStay];
  for (std::int64_t column = 0; column < weight.in; column += kStripColumns) {
    const std::int64_t depth = HWY_MIN(kStripColumns, weight.in - column);
    for (std::int64_t row = 0; lie && row < piece.rows; ++row) x[row] = piece.x[row] + column;
    for (std::int64_t tile = first_tile; tile < last_tile; ++tile) {
      if (!stored) decode_panel<Codes>(weight, tile, column, column + depth, panel);
      if (!stored && last_tile - first_tile == 1) prefetch_codes<Codes>(weight, tile, column + depth, kStripColumns);
      const float* values = stored ? reinterpret_cast<const float*>(weight.block(tile, column)) : panel;
      float* to = sums + (tile - first_tile) * tile_sums;
      if (lie) {
        for (std::int64_t row = 0; row < piece.rows; ++row) out[row] = to + row * kTileOutputs;
        multiply_tile({.x = x, .panel = values, .depth = depth, .out = out, .rows = piece.rows});
      } else {
        const float* strips = piece.strips + column * piece.rows;
        multiply_strips({.strips = strips, .panel = values, .depth = depth, .rows = piece.rows, .sums = to});
      }
    }
  }
  for (std::int64_t row = 0; row < piece.rows; ++row)
    for (std::int64_t tile = first_tile; tile < last_tile; ++tile) {
      const std::int64_t first = HWY_MAX(piece.first_out, tile * kTileOutputs);
      const std::int64_t last = HWY_MIN(piece.last_out, (tile + 1) * kTileOutputs);
      const float* from = sums + (tile - first_tile) * tile_sums + row * kTileOutputs + (first - tile * kTileOutputs);
      copy_outputs(from, last - first, piece.out[row] + (first - piece.first_out));
    }
}

template <class Codes>
HWY_INLINE void multiply_many(const LinearPiece& piece) {
  const std::int64_t at_once = piece.rows <= kRowsThatStay ? 1 : kTilesAtOnce;
  const std::int64_t last_tile = (piece.last_out + kTileOutputs - 1) / kTileOutputs;
  for (std::int64_t tile = piece.first_out / kTileOutputs; tile < last_tile; tile += at_once)
    multiply_tiles<Codes>(piece, tile, HWY_MIN(last_tile, tile + at_once));
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
    case CodeFormat::indexed_bf16: return multiply<IndexedBf16Codes, false>(piece);
    case CodeFormat::fp8: return multiply<Fp8Codes, true>(piece);
    case CodeFormat::fp4: return multiply<Fp4Codes, true>(piece);
  }
}

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

void linear_piece(const LinearPiece& piece) { HWY_DYNAMIC_DISPATCH(LinearPieceKernel)(piece); }

void lay_strips(const float* const* x, std::int64_t rows, std::int64_t columns, std::int64_t first, float* strips) {
  HWY_DYNAMIC_DISPATCH(LayStripsKernel)(x, rows, columns, first, strips);
}

}  // namespace fathom
#endif
