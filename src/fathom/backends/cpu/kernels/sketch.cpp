#include "fathom/backends/cpu/kernels/sketch.h"

#include <cmath>
#include <limits>

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/sketch.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/wide_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

using Codes = hn::Rebind<std::int8_t, Lanes>;
using Wholes = hn::Rebind<std::int32_t, Lanes>;

float LargestOf(const float* row, std::int64_t columns) {
  Part most = zero_part();
  for (std::int64_t column = 0; column < columns; column += kLanes)
    most = hn::Max(most, hn::Abs(load_first(row + column, columns - column)));
  return hn::GetLane(hn::MaxOfLanes(Lanes(), most));
}

bool AreFinite(const float* row, std::int64_t columns) {
  bool finite = true;
  for (std::int64_t column = 0; column < columns; column += kLanes)
    finite = finite && hn::AllTrue(Lanes(), hn::IsFinite(load_first(row + column, columns - column)));
  return finite;
}

// Sums of squares err by far less than a thousandth, and lose what is below the smallest normal number.
float length_of(Part squares, std::int64_t columns) {
  constexpr double kSlack = 1.001;
  constexpr double kLost = 1e-36;
  return static_cast<float>(kSlack * std::sqrt(static_cast<double>(hn::GetLane(hn::SumOfLanes(Lanes(), squares))) +
                                               kLost * static_cast<double>(columns)));
}

SketchedRow SketchRow(const float* row, std::int64_t columns, std::int8_t* codes) {
  constexpr float kLeast = 1e-30F;  // smaller rows are all rest
  constexpr float kMost = 1e18F;    // the squares of larger ones are not finite
  const std::int64_t padded = (columns + kSketchBlock - 1) / kSketchBlock * kSketchBlock;
  const float most = LargestOf(row, columns);
  SketchedRow sketched;
  if (!(most <= kMost) || !AreFinite(row, columns)) {
    std::memset(codes, 0, static_cast<std::size_t>(padded));
    sketched.norm = sketched.rest_norm = std::numeric_limits<float>::infinity();
    return sketched;
  }
  const bool small = most < kLeast;
  if (!small) sketched.scale = most / static_cast<float>(kMostSketchCode);
  const Part scale = set_part(sketched.scale);
  const Part inverse = set_part(small ? 0.0F : 1.0F / sketched.scale);
  Part norm = zero_part();
  Part code_norm = zero_part();
  Part rest_norm = zero_part();
  for (std::int64_t column = 0; column < padded; column += kLanes) {
    const Part value = column < columns ? load_first(row + column, columns - column) : zero_part();
    const auto whole = hn::NearestInt(hn::Mul(value, inverse));
    const auto code = hn::Min(hn::Max(whole, hn::Set(Wholes(), -kMostSketchCode)), hn::Set(Wholes(), kMostSketchCode));
    hn::StoreU(hn::DemoteTo(Codes(), code), Codes(), codes + column);
    const Part coded = hn::Mul(hn::ConvertTo(Lanes(), code), scale);
    const Part rest = hn::Sub(value, coded);
    norm = hn::MulAdd(value, value, norm);
    code_norm = hn::MulAdd(coded, coded, code_norm);
    rest_norm = hn::MulAdd(rest, rest, rest_norm);
  }
  sketched.norm = length_of(norm, columns);
  sketched.code_norm = length_of(code_norm, columns);
  sketched.rest_norm = length_of(rest_norm, columns);
  return sketched;
}

// Whole vectors of every instruction set divide kSketchBlock.
using Halves = hn::CappedTag<std::int16_t, 32>;
using Sums = hn::RepartitionToWide<Halves>;
using Bytes = hn::Rebind<std::int8_t, Halves>;

// Bytes that are fetched ahead: processors fetch within a page by themselves, and an output's codes are about a page.
constexpr std::int64_t kAhead = 2048;

// One output's codes with several rows of x.
template <int kRows>
HWY_INLINE void add_products(const SketchPiece& piece, std::int64_t output, std::int64_t row, std::int64_t first,
                             std::int64_t (&sums)[kRows]) {
  constexpr std::int64_t kHalves = static_cast<std::int64_t>(hn::MaxLanes(Halves()));
  const std::int64_t last = HWY_MIN(first + kSketchColumns, piece.columns);
  const std::int8_t* codes = piece.codes + output * piece.columns;
  const std::int16_t* x = piece.x + row * piece.columns;
  hn::Vec<Sums> sum[kRows];
  hn::Vec<Sums> more[kRows];  // which some instruction sets fill too
  HWY_UNROLL(4)
  for (int with = 0; with < kRows; ++with) sum[with] = more[with] = hn::Zero(Sums());
  for (std::int64_t block = first; block < last; block += kSketchBlock) {
    hwy::Prefetch(codes + block + kAhead);
    HWY_UNROLL(8)
    for (std::int64_t column = block; column < block + kSketchBlock; column += kHalves) {
      const auto wide = hn::PromoteTo(Halves(), hn::LoadU(Bytes(), codes + column));
      HWY_UNROLL(4)
      for (int with = 0; with < kRows; ++with)
        sum[with] = hn::ReorderWidenMulAccumulate(Sums(), wide, hn::LoadU(Halves(), x + with * piece.columns + column),
                                                  sum[with], more[with]);
    }
  }
  HWY_UNROLL(4)
  for (int with = 0; with < kRows; ++with)
    sums[with] +=
        std::int64_t{hn::GetLane(hn::SumOfLanes(Sums(), sum[with]))} + hn::GetLane(hn::SumOfLanes(Sums(), more[with]));
}

template <int kRows>
HWY_INLINE void multiply_sketch(const SketchPiece& piece, std::int64_t output, std::int64_t row) {
  std::int64_t sums[kRows] = {};
  for (std::int64_t first = 0; first < piece.columns; first += kSketchColumns)
    add_products<kRows>(piece, output, row, first, sums);
  for (int with = 0; with < kRows; ++with) piece.sums[(row + with) * piece.outputs + output] = sums[with];
}

void SketchPieceKernel(const SketchPiece& piece) {
  for (std::int64_t output = 0; output < piece.outputs; ++output) {
    std::int64_t row = 0;
    for (; row + 4 <= piece.rows; row += 4) multiply_sketch<4>(piece, output, row);
    for (; row < piece.rows; ++row) multiply_sketch<1>(piece, output, row);
  }
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(SketchRow);
HWY_EXPORT(SketchPieceKernel);

SketchedRow sketch_row(const float* row, std::int64_t columns, std::int8_t* codes) {
  return HWY_DYNAMIC_DISPATCH(SketchRow)(row, columns, codes);
}

void sketch_piece(const SketchPiece& piece) { HWY_DYNAMIC_DISPATCH(SketchPieceKernel)(piece); }

}  // namespace fathom
#endif
