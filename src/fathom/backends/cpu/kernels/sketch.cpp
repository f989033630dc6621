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

// Several outputs' codes with several rows of x. The outputs lie `apart` of each other: processors fetch stretches of
// memory that are read side by side sooner than one alone, if these are no neighbours, and within a page by themselves.
template <int kOutputs, int kRows>
HWY_INLINE void add_products(const SketchPiece& piece, const std::int8_t* codes, std::int64_t apart,
                             const std::int16_t* x, std::int64_t columns, std::int64_t (&sums)[kOutputs][kRows]) {
  constexpr std::int64_t kHalves = static_cast<std::int64_t>(hn::MaxLanes(Halves()));
  constexpr std::int64_t kAhead = 512;
  hn::Vec<Sums> sum[kOutputs][kRows];
  hn::Vec<Sums> more[kOutputs][kRows];  // which some instruction sets fill too
  HWY_UNROLL(4)
  for (int of = 0; of < kOutputs; ++of) HWY_UNROLL(2)
  for (int with = 0; with < kRows; ++with) sum[of][with] = more[of][with] = hn::Zero(Sums());
  for (std::int64_t block = 0; block < columns; block += kSketchBlock) {
    HWY_UNROLL(4)
    for (int of = 0; of < kOutputs; ++of) hwy::Prefetch(codes + of * apart + block + kAhead);
    HWY_UNROLL(8)
    for (std::int64_t column = block; column < block + kSketchBlock; column += kHalves) {
      hn::Vec<Halves> values[kRows];
      HWY_UNROLL(2)
      for (int with = 0; with < kRows; ++with) values[with] = hn::LoadU(Halves(), x + with * piece.columns + column);
      HWY_UNROLL(4)
      for (int of = 0; of < kOutputs; ++of) {
        const auto wide = hn::PromoteTo(Halves(), hn::LoadU(Bytes(), codes + of * apart + column));
        HWY_UNROLL(2)
        for (int with = 0; with < kRows; ++with)
          sum[of][with] = hn::ReorderWidenMulAccumulate(Sums(), wide, values[with], sum[of][with], more[of][with]);
      }
    }
  }
  HWY_UNROLL(4)
  for (int of = 0; of < kOutputs; ++of) HWY_UNROLL(2)
  for (int with = 0; with < kRows; ++with)
    sums[of][with] += std::int64_t{hn::GetLane(hn::SumOfLanes(Sums(), sum[of][with]))} +
                      hn::GetLane(hn::SumOfLanes(Sums(), more[of][with]));
}

// Outputs `output`, `output` + step and so on.
template <int kOutputs, int kRows>
HWY_INLINE void multiply_sketch(const SketchPiece& piece, std::int64_t output, std::int64_t step, std::int64_t row) {
  std::int64_t sums[kOutputs][kRows] = {};
  for (std::int64_t first = 0; first < piece.columns; first += kSketchColumns)
    add_products<kOutputs, kRows>(piece, piece.codes + output * piece.columns + first, step * piece.columns,
                                  piece.x + row * piece.columns + first, HWY_MIN(kSketchColumns, piece.columns - first),
                                  sums);
  for (int of = 0; of < kOutputs; ++of)
    for (int with = 0; with < kRows; ++with)
      piece.sums[(row + with) * piece.outputs + output + of * step] = sums[of][with];
}

template <int kOutputs>
HWY_INLINE void multiply_rows(const SketchPiece& piece, std::int64_t output, std::int64_t step) {
  std::int64_t row = 0;
  for (; row + 2 <= piece.rows; row += 2) multiply_sketch<kOutputs, 2>(piece, output, step, row);
  if (row < piece.rows) multiply_sketch<kOutputs, 1>(piece, output, step, row);
}

void SketchPieceKernel(const SketchPiece& piece) {
  const std::int64_t quarter = piece.outputs / 4;
  for (std::int64_t output = 0; output < quarter; ++output) multiply_rows<4>(piece, output, quarter);
  for (std::int64_t output = 4 * quarter; output < piece.outputs; ++output) multiply_rows<1>(piece, output, 0);
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
