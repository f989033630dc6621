#include "fathom/backends/cpu/kernels/sketch.h"

#include "fathom/backends/cpu/kernels/targets.h"

// For one instruction, which other kernels have no use for. Highway 1.0.3 promises the compiler another one of that
// name with it: no plain loop over products of short numbers here.
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/sketch.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/wide_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR  // which has no vectors of bytes

std::int64_t part_of(const std::byte* plane, std::int64_t column, std::int64_t bits) {
  const std::int64_t place = column / kSketchGroup * bits % 8;
  return std::to_integer<std::int64_t>(plane[column % kSketchGroup]) >> place & ((1 << bits) - 1);
}

void SketchPieceKernel(const SketchPiece& piece) {
  for (std::int64_t row = 0; row < piece.rows; ++row)
    for (std::int64_t output = 0; output < piece.outputs; ++output) {
      const std::byte* planes = piece.upper + output * sketch_blocks(piece.columns) * kUpperBytes;
      const std::int16_t* x = piece.x + row * sketch_blocks(piece.columns) * kSketchBlock;
      std::int64_t sum = 0;
      for (std::int64_t block = 0; block < piece.columns; block += kSketchBlock, planes += kUpperBytes)
        for (std::int64_t column = 0; column < kSketchBlock; ++column) {
          const std::int64_t half = column / (2 * kSketchGroup);
          const std::int64_t code =
              4 * part_of(planes + half * kSketchGroup, column, 4) + part_of(planes + 2 * kSketchGroup, column, 2);
          sum += code * x[place_in_sketch_x(block + column)];
        }
      piece.sums[row * piece.apart + output] = sum;
    }
}

void WholeSketchPieceKernel(const WholeSketchPiece& piece) {
  for (std::int64_t row = 0; row < piece.rows; ++row)
    for (std::int64_t output = 0; output < piece.outputs; ++output) {
      const std::int8_t* codes = piece.codes + output * piece.columns;
      const std::int16_t* x = piece.x + row * piece.columns;
      std::int64_t sum = 0;
      for (std::int64_t column = 0; column < piece.columns; ++column) sum += std::int64_t{codes[column]} * x[column];
      piece.sums[row * piece.apart + output] = sum;
    }
}

std::int64_t SketchLower(const std::byte* lower, const std::int16_t* x, std::int64_t columns) {
  std::int64_t sum = 0;
  for (std::int64_t block = 0; block < columns; block += kSketchBlock, lower += kLowerBytes)
    for (std::int64_t column = 0; column < kSketchBlock; ++column)
      sum += part_of(lower, column, 2) * x[place_in_sketch_x(block + column)];
  return sum;
}

#else

// Whole vectors of every instruction set divide a group.
using Bytes = hn::CappedTag<std::uint8_t, kSketchGroup>;
using Halves = hn::Repartition<std::int16_t, Bytes>;
using Places = hn::RebindToUnsigned<Halves>;
using Sums = hn::RepartitionToWide<Halves>;
using Code = hn::Vec<Places>;  // two bytes a lane

inline constexpr std::int64_t kBytes = static_cast<std::int64_t>(hn::MaxLanes(Bytes()));

HWY_INLINE Code load_codes(const std::byte* plane) {
  return hn::BitCast(Places(), hn::LoadU(Bytes(), reinterpret_cast<const std::uint8_t*>(plane)));
}

template <int kGroup>
HWY_INLINE Code two_bits(Code twos) {
  if constexpr (kGroup > 0) twos = hn::ShiftRight<2 * kGroup>(twos);
  return hn::And(twos, hn::Set(Places(), 0x0303));
}

// The upper codes of a group, of the plane of four bits that holds them and that of two.
template <int kGroup>
HWY_INLINE Code upper_codes(Code fours, Code twos) {
  const Code four = kGroup % 2 == 0 ? hn::ShiftLeft<2>(fours) : hn::ShiftRight<2>(fours);
  return hn::OrAnd(two_bits<kGroup>(twos), four, hn::Set(Places(), 0x3C3C));
}

struct SketchSum {
  hn::Vec<Sums> sum;
  hn::Vec<Sums> more;  // which some instruction sets fill too
};

struct SketchX {
  hn::Vec<Halves> even;
  hn::Vec<Halves> odd;
};

HWY_INLINE SketchX load_x(const std::int16_t* x, std::int64_t column) {
  const std::int64_t in_group = column % kSketchGroup;
  const std::int16_t* even = x + (column - in_group) + in_group / 2;
  return {hn::LoadU(Halves(), even), hn::LoadU(Halves(), even + kSketchGroup / 2)};
}

HWY_INLINE void add_halves(hn::Vec<Halves> codes, hn::Vec<Halves> x, SketchSum& sum) {
#if HWY_TARGET <= HWY_AVX3_DL
  // Highway 1.0.3 detects it, but does not use it.
  asm("vpdpwssd %2, %1, %0" : "+v"(sum.sum.raw) : "v"(codes.raw), "v"(x.raw));
#else
  sum.sum = hn::ReorderWidenMulAccumulate(Sums(), codes, x, sum.sum, sum.more);
#endif
}

HWY_INLINE void add_codes(Code codes, const SketchX& x, SketchSum& sum) {
  const auto even = hn::BitCast(Halves(), hn::And(codes, hn::Set(Places(), 0x00FF)));
  const auto odd = hn::BitCast(Halves(), hn::ShiftRight<8>(codes));
  add_halves(even, x.even, sum);
  add_halves(odd, x.odd, sum);
}

HWY_INLINE std::int64_t total(const SketchSum& sum) {
  return hn::GetLane(hn::SumOfLanes(Sums(), hn::Add(sum.sum, sum.more)));
}

// A group of several outputs, whose planes are loaded, with several rows of x.
template <int kGroup, int kOutputs, int kRows>
HWY_INLINE void add_group(const Code (&fours)[kOutputs], const Code (&twos)[kOutputs],
                          const std::int16_t* const (&x)[kRows], std::int64_t column,
                          SketchSum (&sums)[kOutputs][kRows]) {
  SketchX values[kRows];
  HWY_UNROLL(4)
  for (int with = 0; with < kRows; ++with) values[with] = load_x(x[with], column + kGroup * kSketchGroup);
  HWY_UNROLL(4)
  for (int of = 0; of < kOutputs; ++of) {
    const Code codes = upper_codes<kGroup>(fours[of], twos[of]);
    HWY_UNROLL(4)
    for (int with = 0; with < kRows; ++with) add_codes(codes, values[with], sums[of][with]);
  }
}

template <int kOutputs>
HWY_INLINE void load_planes(const std::byte* planes, std::int64_t apart, Code (&codes)[kOutputs]) {
  HWY_UNROLL(4)
  for (int of = 0; of < kOutputs; ++of) codes[of] = load_codes(planes + of * apart);
}

// Several outputs' codes with several rows of x. The outputs lie `apart` of each other: processors fetch stretches of
// memory that are read side by side sooner than one alone, if these are no neighbours, and within a page by themselves.
template <int kOutputs, int kRows>
HWY_INLINE void add_products(const std::byte* upper, std::int64_t apart, const std::int16_t* const (&x)[kRows],
                             std::int64_t columns, std::int64_t (&totals)[kOutputs][kRows]) {
  constexpr std::int64_t kAhead = 1536;
  SketchSum sums[kOutputs][kRows];
  HWY_UNROLL(4)
  for (int of = 0; of < kOutputs; ++of) HWY_UNROLL(4)
  for (int with = 0; with < kRows; ++with) sums[of][with].sum = sums[of][with].more = hn::Zero(Sums());
  for (std::int64_t block = 0; block * kSketchBlock < columns; ++block) {
    const std::byte* planes = upper + block * kUpperBytes;
    const std::int64_t left = columns - block * kSketchBlock;
    HWY_UNROLL(4)
    for (int of = 0; of < kOutputs; ++of)
      for (std::int64_t line = 0; line < kUpperBytes; line += 64)
        __builtin_prefetch(planes + of * apart + kAhead + line, 0, 0);  // used once: not for the second cache
    HWY_UNROLL(4)
    for (std::int64_t byte = 0; byte < kSketchGroup; byte += kBytes) {
      const std::int64_t column = block * kSketchBlock + byte;
      Code fours[kOutputs];
      Code twos[kOutputs];
      load_planes(planes + byte, apart, fours);
      load_planes(planes + 2 * kSketchGroup + byte, apart, twos);
      add_group<0>(fours, twos, x, column, sums);
      if (left <= kSketchGroup) continue;  // nothing but padding follows
      add_group<1>(fours, twos, x, column, sums);
      if (left <= 2 * kSketchGroup) continue;
      load_planes(planes + kSketchGroup + byte, apart, fours);
      add_group<2>(fours, twos, x, column, sums);
      add_group<3>(fours, twos, x, column, sums);
    }
  }
  HWY_UNROLL(4)
  for (int of = 0; of < kOutputs; ++of) HWY_UNROLL(4)
  for (int with = 0; with < kRows; ++with) totals[of][with] += total(sums[of][with]);
}

// Outputs `output`, `output` + step and so on.
template <int kOutputs, int kRows>
HWY_INLINE void multiply_sketch(const SketchPiece& piece, std::int64_t output, std::int64_t step, std::int64_t row) {
  const std::int64_t blocks = sketch_blocks(piece.columns);
  const std::int64_t row_bytes = blocks * kUpperBytes;
  std::int64_t totals[kOutputs][kRows] = {};
  for (std::int64_t first = 0; first < piece.columns; first += kSketchColumns) {
    const std::int16_t* x[kRows];
    for (int with = 0; with < kRows; ++with) x[with] = piece.x + (row + with) * blocks * kSketchBlock + first;
    add_products<kOutputs, kRows>(piece.upper + output * row_bytes + first / kSketchBlock * kUpperBytes,
                                  step * row_bytes, x, HWY_MIN(kSketchColumns, piece.columns - first), totals);
  }
  for (int of = 0; of < kOutputs; ++of)
    for (int with = 0; with < kRows; ++with)
      piece.sums[(row + with) * piece.apart + output + of * step] = totals[of][with];
}

template <int kOutputs, int kRows>
HWY_INLINE void multiply_sketch(const WholeSketchPiece& piece, std::int64_t output, std::int64_t step,
                                std::int64_t row) {
  using SignedBytes = hn::Rebind<std::int8_t, Halves>;
  std::int64_t totals[kOutputs][kRows] = {};
  for (std::int64_t first = 0; first < piece.columns; first += kSketchColumns) {
    SketchSum sums[kOutputs][kRows];
    HWY_UNROLL(4)
    for (int of = 0; of < kOutputs; ++of) HWY_UNROLL(4)
    for (int with = 0; with < kRows; ++with) sums[of][with].sum = sums[of][with].more = hn::Zero(Sums());
    const std::int64_t last = HWY_MIN(first + kSketchColumns, piece.columns);
    for (std::int64_t column = first; column < last; column += kBytes / 2) {
      hn::Vec<Halves> values[kRows];
      HWY_UNROLL(4)
      for (int with = 0; with < kRows; ++with)
        values[with] = hn::LoadU(Halves(), piece.x + (row + with) * piece.columns + column);
      HWY_UNROLL(4)
      for (int of = 0; of < kOutputs; ++of) {
        const std::int8_t* from = piece.codes + (output + of * step) * piece.columns + column;
        const auto codes = hn::PromoteTo(Halves(), hn::LoadU(SignedBytes(), from));
        HWY_UNROLL(4)
        for (int with = 0; with < kRows; ++with) add_halves(codes, values[with], sums[of][with]);
      }
    }
    HWY_UNROLL(4)
    for (int of = 0; of < kOutputs; ++of) HWY_UNROLL(4)
    for (int with = 0; with < kRows; ++with) totals[of][with] += total(sums[of][with]);
  }
  for (int of = 0; of < kOutputs; ++of)
    for (int with = 0; with < kRows; ++with)
      piece.sums[(row + with) * piece.apart + output + of * step] = totals[of][with];
}

template <int kOutputs, class Piece>
HWY_INLINE void multiply_rows(const Piece& piece, std::int64_t output, std::int64_t step) {
  std::int64_t row = 0;
  for (; row + 2 <= piece.rows; row += 2) multiply_sketch<kOutputs, 2>(piece, output, step, row);
  if (row < piece.rows) multiply_sketch<kOutputs, 1>(piece, output, step, row);
}

template <class Piece>
HWY_INLINE void multiply_outputs(const Piece& piece) {
  const std::int64_t quarter = piece.outputs / 4;
  for (std::int64_t output = 0; output < quarter; ++output) multiply_rows<4>(piece, output, quarter);
  for (std::int64_t output = 4 * quarter; output < piece.outputs; ++output) multiply_rows<1>(piece, output, 0);
}

void SketchPieceKernel(const SketchPiece& piece) { multiply_outputs(piece); }
void WholeSketchPieceKernel(const WholeSketchPiece& piece) { multiply_outputs(piece); }

// Of at most 16,384 columns (HeadSketch::kMostColumns) no sum leaves 32 bits: 3 * 4096 * 16384 < 2^31.
std::int64_t SketchLower(const std::byte* lower, const std::int16_t* x, std::int64_t columns) {
  SketchSum sums[4];  // chains side by side
  for (SketchSum& sum : sums) sum.sum = sum.more = hn::Zero(Sums());
  for (std::int64_t block = 0; block < columns / kSketchBlock; ++block)
    for (std::int64_t byte = 0; byte < kSketchGroup; byte += kBytes) {
      const Code twos = load_codes(lower + block * kLowerBytes + byte);
      const std::int64_t column = block * kSketchBlock + byte;
      add_codes(two_bits<0>(twos), load_x(x, column), sums[0]);
      add_codes(two_bits<1>(twos), load_x(x, column + kSketchGroup), sums[1]);
      add_codes(two_bits<2>(twos), load_x(x, column + 2 * kSketchGroup), sums[2]);
      add_codes(two_bits<3>(twos), load_x(x, column + 3 * kSketchGroup), sums[3]);
    }
  std::int64_t all = 0;
  for (const SketchSum& sum : sums) all += total(sum);
  return all;
}

#endif  // HWY_SCALAR

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(SketchPieceKernel);
HWY_EXPORT(WholeSketchPieceKernel);
HWY_EXPORT(SketchLower);

void sketch_piece(const WholeSketchPiece& piece) { HWY_DYNAMIC_DISPATCH(WholeSketchPieceKernel)(piece); }

void sketch_piece(const SketchPiece& piece) { HWY_DYNAMIC_DISPATCH(SketchPieceKernel)(piece); }

std::int64_t sketch_lower(const std::byte* lower, const std::int16_t* x, std::int64_t columns) {
  return HWY_DYNAMIC_DISPATCH(SketchLower)(lower, x, columns);
}

}  // namespace fathom
#endif
