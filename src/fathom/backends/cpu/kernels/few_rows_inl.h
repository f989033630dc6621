// A few rows times tiles of sixteen outputs: codes are decoded in registers and met there, so that a weight is read
// once and nothing is stored but sums. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_FEW_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_FEW_ROWS_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_FEW_ROWS_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_FEW_ROWS_INL_H_
#endif

#include <type_traits>

#include "fathom/backends/cpu/kernels/codes_inl.h"
#include "fathom/backends/cpu/kernels/linear.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Vectors of sums in flight: enough to hide the latency of a sum, few enough for the registers.
inline constexpr int kSumsAtOnce = 8;
inline constexpr std::int64_t kBytesAhead = 2048;   // of a tile, asked for while few rows are multiplied
inline constexpr std::int64_t kApartColumns = 128;  // of a few rows lifted at a time: they stay in L1

// Rows up to which codes of four or eight bits are decoded in registers: more rows would pay for a panel.
#if HWY_TARGET <= HWY_AVX3
inline constexpr std::int64_t kFewRowsOfCodes = kMostFewRows;
#elif HWY_TARGET == HWY_AVX2
inline constexpr std::int64_t kFewRowsOfCodes = 3;
#else
inline constexpr std::int64_t kFewRowsOfCodes = kFewRows;
#endif

constexpr std::int64_t most_few_rows(CodeFormat format) {
  return format == CodeFormat::fp8 || format == CodeFormat::fp4 ? kFewRowsOfCodes : kFewRows;
}

#if HWY_TARGET != HWY_SCALAR  // which has no registers for a few rows, and takes long to compile sixteen parts apart

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
    hwy::Prefetch(state.block[tile] + kBytesAhead);
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

// The products of whole blocks of FP4 or FP8. A part's columns are links of one chain, and a machine that meets eight
// of them at once waits for each: chains take turns column by column. What lies in `state` is stored with every block;
// sums that are a loop's own stay in registers.
template <class Codes, int kRows, int kTiles>
HWY_INLINE void multiply_blocks(std::int64_t blocks, FewRows<kRows, kTiles>& state) {
  Part sums[kTiles][kParts][kRows];
  const std::byte* from[kTiles];
  const float* x[kRows];
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    from[tile] = state.block[tile];
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) sums[tile][part][row] = state.sums[tile][part][row];
    }
  }
  HWY_UNROLL(16)
  for (int row = 0; row < kRows; ++row) x[row] = state.x[row];
  for (std::int64_t block = 0; block < blocks; ++block) {
    HWY_UNROLL(2)
    for (int four = 0; four < Codes::kColumns / 4; ++four) {
      hn::Vec<Words> pairs[kTiles][kParts][2];
      HWY_UNROLL(16)
      for (int tile = 0; tile < kTiles; ++tile) {
        HWY_UNROLL(16)
        for (int part = 0; part < kParts; ++part)
          Codes::decode_four(from[tile] + block * kBlockBytes, part, four, pairs[tile][part]);
      }
      HWY_UNROLL(4)
      for (int column = 0; column < 4; ++column) {
        HWY_UNROLL(16)
        for (int tile = 0; tile < kTiles; ++tile) {
          HWY_UNROLL(16)
          for (int part = 0; part < kParts; ++part) {
            const Part value = Codes::value(pairs[tile][part], column);
            HWY_UNROLL(16)
            for (int row = 0; row < kRows; ++row) {
              Part& sum = sums[tile][part][row];
              sum = multiply_add(set_part(x[row][block * Codes::kColumns + 4 * four + column]), value, sum);
              in_order(sum);
            }
          }
        }
      }
    }
    HWY_UNROLL(16)
    for (int tile = 0; tile < kTiles; ++tile) hwy::Prefetch(from[tile] + block * kBlockBytes + kBytesAhead);
  }
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    state.block[tile] += blocks * kBlockBytes;
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) state.sums[tile][part][row] = sums[tile][part][row];
    }
  }
}

template <class Codes, int kRows, int kTiles>
HWY_INLINE void multiply_columns(std::int64_t columns, FewRows<kRows, kTiles>& state) {
  const std::int64_t blocks = columns / Codes::kColumns;
  multiply_blocks<Codes>(blocks, state);
  const std::int64_t first = blocks * Codes::kColumns;
  if (first < columns) multiply_block<Codes, false>(Codes(), first, columns - first, state);
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
  multiply_columns<Codes>(columns, state);
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
      multiply_columns<Codes>(count, state);
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
  constexpr int kTiles = kRows > kFewRows ? 2 : kSumsAtOnce / (kRows * kParts);
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

template <class Codes, bool kScaled, std::int64_t kRows>
HWY_INLINE void multiply_up_to(const LinearPiece& piece) {
  if (piece.rows == kRows) return multiply_few<Codes, kScaled, static_cast<int>(kRows)>(piece);
  if constexpr (kRows > 1) multiply_up_to<Codes, kScaled, kRows - 1>(piece);
}

#endif  // HWY_SCALAR

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
