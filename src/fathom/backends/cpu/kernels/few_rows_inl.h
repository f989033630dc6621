// A few rows times tiles of sixteen outputs: codes are decoded in registers and met there, so that a weight is read
// once and nothing is stored but sums. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_FEW_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_FEW_ROWS_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_FEW_ROWS_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_FEW_ROWS_INL_H_
#endif

#include "fathom/backends/cpu/kernels/runs_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Vectors of sums in flight: enough to hide the latency of a sum, few enough for the registers.
inline constexpr int kSumsAtOnce = 8;

// Rows that meet codes decoded in registers at once: more would pay for a panel, or leave no registers.
constexpr std::int64_t rows_at_once(CodeFormat format) {
  if (HWY_TARGET <= HWY_AVX3) return format == CodeFormat::indexed_bf16 ? kFewRows : 8;
  return HWY_TARGET == HWY_AVX2 && (format == CodeFormat::fp8 || format == CodeFormat::fp4) ? 3 : kFewRows;
}

// Plain numbers, which take an instruction or none each, are met again by the next so many rows while two tiles of them
// are in the first cache.
constexpr std::int64_t most_few_rows(CodeFormat format, std::int64_t columns) {
  constexpr std::int64_t kMostTileBytes = 24 << 10;
  const bool plain = format == CodeFormat::f32 || format == CodeFormat::bf16;
  const bool twice =
      HWY_TARGET <= HWY_AVX3 && plain && columns / block_columns(format) * block_bytes(format) <= kMostTileBytes;
  return (twice ? 2 : 1) * rows_at_once(format);
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

// Whether codes are met run by run: where no scale hinders, and of plain numbers where many rows fill the registers.
template <Scales kScales, int kRows>
inline constexpr bool kByRuns = kScales == Scales::apart ||
                                (kScales == Scales::none && kRows > kFewRows && HWY_TARGET <= HWY_AVX3);

template <class Codes, Scales kScales, int kRows, int kTiles>
HWY_INLINE void multiply_few_rows_by_tiles(const LinearPiece& piece, std::int64_t tile) {
  const std::int64_t last_tile = (piece.last_out + kTileOutputs - 1) / kTileOutputs;
  HWY_ALIGN float sums[kRows * kTiles * kTileOutputs];
  for (; tile + kTiles <= last_tile; tile += kTiles) {
    if constexpr (Codes::kFormat == CodeFormat::indexed_bf16) {
      multiply_few_rows_indexed<kRows, kTiles>(piece, tile, sums);
    } else if constexpr (kByRuns<kScales, kRows>) {
      multiply_few_rows_by_runs<Codes, kRows, kTiles>(piece, tile, sums);
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

// More rows than registers hold: in turns of as many rows each, while the codes of two tiles are in the first cache.
template <class Codes, bool kScaled>
HWY_INLINE void multiply_few_in_turns(const LinearPiece& piece) {
  constexpr std::int64_t kAtOnce = rows_at_once(Codes::kFormat);
  if (piece.rows <= kAtOnce) return multiply_up_to<Codes, kScaled, kAtOnce>(piece);
  constexpr std::int64_t kOutputs = 2 * kTileOutputs;
  const std::int64_t turns = (piece.rows + kAtOnce - 1) / kAtOnce;
  float* out[kAtOnce];
  LinearPiece part = piece;
  part.out = out;
  for (std::int64_t first = piece.first_out; first < piece.last_out; first = part.last_out) {
    part.first_out = first;
    part.last_out = HWY_MIN(piece.last_out, (first / kOutputs + 1) * kOutputs);
    for (std::int64_t turn = 0; turn < turns; ++turn) {
      const std::int64_t row = turn * piece.rows / turns;
      part.rows = (turn + 1) * piece.rows / turns - row;
      part.x = piece.x + row;
      for (std::int64_t index = 0; index < part.rows; ++index)
        out[index] = piece.out[row + index] + (first - piece.first_out);
      multiply_up_to<Codes, kScaled, kAtOnce>(part);
    }
  }
}

#endif  // HWY_SCALAR

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
