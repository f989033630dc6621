// A few rows times tiles whose codes lie in runs of four or eight columns: the kernel of few_rows_inl.h where codes
// have no scale, or scales are apart. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_RUNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_RUNS_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_RUNS_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_RUNS_INL_H_
#endif

#include <type_traits>

#include "fathom/backends/cpu/kernels/codes_inl.h"
#include "fathom/backends/cpu/kernels/linear.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

inline constexpr std::int64_t kBytesAhead = 2048;  // of a tile, asked for while few rows are multiplied
inline constexpr std::int64_t kMostBytesAhead =
    65536;                                          // of a group of tiles, where the next group is asked for instead
inline constexpr std::int64_t kApartColumns = 128;  // of a few rows lifted at a time: they stay in L1

#if HWY_TARGET != HWY_SCALAR  // whose codes have no runs

template <int kRows, int kTiles>
using Sums = Part[kTiles][kParts][kRows];

// Turns sums in units of one group's scales to those of another (Note [Scales apart]).
template <int kRows, int kTiles>
HWY_INLINE void change_units(const PackedTiles& weight, std::int64_t first_tile, std::int64_t from, std::int64_t to,
                             Sums<kRows, kTiles>& sums) {
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      const auto lift = hn::Sub(moderate_exponents(weight, first_tile + tile, from, part),
                                moderate_exponents(weight, first_tile + tile, to, part));
      const Part ratio = power_of_exponent(hn::Add(lift, hn::Set(Words(), 127U)));
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) sums[tile][part][row] = hn::Mul(sums[tile][part][row], ratio);
    }
  }
}

// Sums in units of a group's scales, lowered by 2^lift, to sums: to[row][tile * 16 + lane].
template <int kRows, int kTiles>
HWY_INLINE void leave_units(const PackedTiles& weight, std::int64_t first_tile, std::int64_t group, int lift,
                            const Sums<kRows, kTiles>& sums, float* HWY_RESTRICT to) {
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      const auto exponents = moderate_exponents(weight, first_tile + tile, group, part);
      const Part scale = power_of_exponent(hn::Add(exponents, hn::Set(Words(), static_cast<std::uint32_t>(lift))));
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row)
        store_part(hn::Mul(sums[tile][part][row], scale), to + (row * kTiles + tile) * kTileOutputs + part * kLanes);
    }
  }
}

// Four columns of every tile, as Codes::decode_four gives them.
template <class Codes, int kTiles>
using Fours = hn::Vec<Words>[kTiles][kParts][Codes::kVectors];

template <class Codes>
inline constexpr std::int64_t kRunBytes = Codes::kRunColumns / Codes::kColumns* kBlockBytes;

// Tiles whose next four columns are decoded while four are multiplied: the machine's own window of instructions is full
// of links that wait for the one before, and does not reach them. More tiles would not leave registers for it.
#if HWY_TARGET <= HWY_AVX3
inline constexpr int kTilesAhead = 4;
#else
inline constexpr int kTilesAhead = 0;
#endif

template <class Codes, int kTiles>
inline constexpr bool kIsAhead = kTiles <= kTilesAhead&& Codes::kVectors == 2;

template <class Codes, int kTiles>
HWY_INLINE void decode_fours(const std::byte* const (&from)[kTiles], std::int64_t run, int four,
                             Fours<Codes, kTiles>& fours) {
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part)
      Codes::decode_four(from[tile] + run * kRunBytes<Codes>, part, four, fours[tile][part]);
  }
}

// The products of runs [first, end) with x, whose columns begin at the first; the tiles have `all` runs. A part's
// columns are links of one chain, and a machine that meets eight of them at once waits for each: chains take turns
// column by column. Sums are the caller's own arrays and stay in registers.
template <class Codes, int kRows, int kTiles>
HWY_INLINE void multiply_runs(const std::byte* const (&from)[kTiles], std::int64_t first, std::int64_t end,
                              std::int64_t all, const float* const (&x)[kRows], Fours<Codes, kTiles>& fours,
                              Sums<kRows, kTiles>& sums) {
  // Tiles are met in groups: of short ones, the same columns of the next group are asked for.
  const std::int64_t group_bytes = kTiles * all * kRunBytes<Codes>;
  const std::int64_t bytes_ahead = group_bytes <= kMostBytesAhead ? group_bytes : kBytesAhead;
  constexpr int kFours = Codes::kRunColumns / 4;
  constexpr bool kAhead = kIsAhead<Codes, kTiles>;
  for (std::int64_t run = first; run < end; ++run) {
    const std::int64_t next_run = HWY_MIN(run + 1, all - 1);
    HWY_UNROLL(2)
    for (int four = 0; four < kFours; ++four) {
      Fours<Codes, kTiles> next;
      if constexpr (!kAhead) decode_fours<Codes, kTiles>(from, run, four, fours);
      HWY_UNROLL(4)
      for (int column = 0; column < 4; ++column) {
        HWY_UNROLL(16)
        for (int tile = 0; tile < kTiles; ++tile) {
          HWY_UNROLL(16)
          for (int part = 0; part < kParts; ++part) {
            const Part value = Codes::value(fours[tile][part], column);
            if constexpr (kAhead) {
              if (column == 2 * tile / kTiles) {
                Codes::decode_four(from[tile] + (four + 1 < kFours ? run : next_run) * kRunBytes<Codes>, part,
                                   (four + 1) % kFours, next[tile][part]);
                in_order(next[tile][part][0]);
                in_order(next[tile][part][1]);
              }
            }
            HWY_UNROLL(16)
            for (int row = 0; row < kRows; ++row) {
              Part& sum = sums[tile][part][row];
              sum = multiply_add(set_part(x[row][(run - first) * Codes::kRunColumns + 4 * four + column]), value, sum);
              in_order(sum);
            }
          }
        }
      }
      if constexpr (kAhead) {
        HWY_UNROLL(16)
        for (int tile = 0; tile < kTiles; ++tile) {
          HWY_UNROLL(16)
          for (int part = 0; part < kParts; ++part) {
            fours[tile][part][0] = next[tile][part][0];
            fours[tile][part][1] = next[tile][part][1];
          }
        }
      }
    }
    HWY_UNROLL(16)
    for (int tile = 0; tile < kTiles; ++tile) {
      HWY_UNROLL(4)
      for (std::int64_t line = 0; line < kRunBytes<Codes>; line += 64)
        hwy::Prefetch(from[tile] + run * kRunBytes<Codes> + bytes_ahead + line);
    }
  }
}

// The same of columns [first, end) behind the last run, block by block.
template <class Codes, int kRows, int kTiles>
HWY_INLINE void multiply_last_blocks(const std::byte* const (&from)[kTiles], std::int64_t first, std::int64_t end,
                                     const float* const (&x)[kRows], Sums<kRows, kTiles>& sums) {
  for (std::int64_t column = first; column < end; column += Codes::kColumns) {
    HWY_UNROLL(16)
    for (int tile = 0; tile < kTiles; ++tile) {
      HWY_UNROLL(16)
      for (int part = 0; part < kParts; ++part) {
        Part values[Codes::kColumns];
        Codes::decode(from[tile] + column / Codes::kColumns * kBlockBytes, part, values);
        HWY_UNROLL(16)
        for (int step = 0; step < Codes::kColumns; ++step) {
          if (step >= end - column) break;
          HWY_UNROLL(16)
          for (int row = 0; row < kRows; ++row)
            sums[tile][part][row] =
                multiply_add(set_part(x[row][column - first + step]), values[step], sums[tile][part][row]);
        }
      }
    }
  }
}

// Columns [column, column + count) of the rows times Codes::kRowLift, beside.
template <class Codes, int kRows>
HWY_INLINE void lift_rows(const LinearPiece& piece, std::int64_t column, std::int64_t count, const float* (&x)[kRows],
                          float* lifted) {
  HWY_UNROLL(16)
  for (int row = 0; row < kRows; ++row) {
    float* to = lifted + row * kApartColumns;
    const float* values = piece.x[row] + column;
    for (std::int64_t index = 0; index < count; index += kLanes)
      store_part(hn::Mul(load_first(values + index, count - index), set_part(Codes::kRowLift)), to + index);
    x[row] = to;
  }
}

// to[row][tile * 16 + lane] = a row times the outputs of kTiles tiles: of codes that have no scale, or by Note [Scales
// apart].
template <class Codes, int kRows, int kTiles>
HWY_INLINE void multiply_few_rows_by_runs(const LinearPiece& piece, std::int64_t first_tile, float* HWY_RESTRICT to) {
  constexpr bool kLifts = std::is_same_v<Codes, Fp8Codes>;
  constexpr bool kScaled = kLifts || std::is_same_v<Codes, Fp4Codes>;
  const PackedTiles& weight = *piece.weight;
  const std::int64_t all = weight.in / Codes::kRunColumns;
  HWY_ALIGN float lifted[kLifts ? kRows * kApartColumns : 1];
  const std::byte* from[kTiles];
  const float* x[kRows];
  Sums<kRows, kTiles> sums;
  Fours<Codes, kTiles> fours;
  HWY_UNROLL(16)
  for (int tile = 0; tile < kTiles; ++tile) {
    from[tile] = weight.block(first_tile + tile, 0);
    HWY_UNROLL(16)
    for (int part = 0; part < kParts; ++part) {
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) sums[tile][part][row] = zero_part();
    }
  }
  if (kIsAhead<Codes, kTiles> && all > 0) decode_fours<Codes, kTiles>(from, 0, 0, fours);
  std::int64_t unit = 0;
  for (std::int64_t column = 0; column < weight.in;) {
    const std::int64_t group = column / weight.group_columns;
    const std::int64_t end = HWY_MIN(weight.in, (group + 1) * weight.group_columns);
    const std::int64_t count = kLifts ? HWY_MIN(end - column, kApartColumns) : end - column;
    if (kScaled && group != unit) change_units<kRows, kTiles>(weight, first_tile, unit, group, sums);
    unit = group;
    if constexpr (kLifts) {
      lift_rows<Codes, kRows>(piece, column, count, x, lifted);
    } else {
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) x[row] = piece.x[row] + column;
    }
    multiply_runs<Codes, kRows, kTiles>(from, column / Codes::kRunColumns, (column + count) / Codes::kRunColumns, all,
                                        x, fours, sums);
    column += count;
    if (const std::int64_t left = column % Codes::kRunColumns; left != 0) {
      HWY_UNROLL(16)
      for (int row = 0; row < kRows; ++row) x[row] += count - left;
      multiply_last_blocks<Codes, kRows, kTiles>(from, column - left, column, x, sums);
    }
  }
  if constexpr (kScaled) {
    leave_units<kRows, kTiles>(weight, first_tile, unit, Codes::kScaleLift, sums, to);
  } else {
    HWY_UNROLL(16)
    for (int tile = 0; tile < kTiles; ++tile) {
      HWY_UNROLL(16)
      for (int part = 0; part < kParts; ++part) {
        HWY_UNROLL(16)
        for (int row = 0; row < kRows; ++row)
          store_part(sums[tile][part][row], to + (row * kTiles + tile) * kTileOutputs + part * kLanes);
      }
    }
  }
}

#endif  // HWY_SCALAR

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
