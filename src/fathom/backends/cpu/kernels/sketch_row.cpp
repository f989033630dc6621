#include "fathom/backends/cpu/kernels/sketch_row.h"

#include <cmath>
#include <limits>

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/sketch_row.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/wide_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

using Codes = hn::Rebind<std::uint8_t, Lanes>;
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

// Sums of squares err by less than a thousandth, and lose what is below the smallest normal number.
float length_of(Part squares, std::int64_t columns) {
  constexpr double kSlack = 1.001;
  constexpr double kLost = 1e-36;
  return static_cast<float>(kSlack * std::sqrt(static_cast<double>(hn::GetLane(hn::SumOfLanes(Lanes(), squares))) +
                                               kLost * static_cast<double>(columns)));
}

constexpr std::int64_t kGroups = kSketchBlock / kSketchGroup;

void pack_block(const std::uint8_t* codes, std::byte* upper, std::byte* lower) {
  std::memset(upper, 0, kUpperBytes);
  std::memset(lower, 0, kLowerBytes);
  for (std::int64_t group = 0; group < kGroups; ++group)
    for (std::int64_t byte = 0; byte < kSketchGroup; ++byte) {
      const auto code = static_cast<std::uint32_t>(codes[group * kSketchGroup + byte]);
      upper[group / 2 * kSketchGroup + byte] |= static_cast<std::byte>((code >> 4U) << (4 * (group % 2)));
      upper[2 * kSketchGroup + byte] |= static_cast<std::byte>((code >> 2U & 3U) << (2 * group));
      lower[byte] |= static_cast<std::byte>((code & 3U) << (2 * group));
    }
}

// keep(block, codes [kSketchBlock]), which begin at kSketchOrigin, for every block.
template <class Keep>
HWY_INLINE SketchedRow sketch_blocks_of(const float* row, std::int64_t columns, const Keep& keep) {
  constexpr float kLeast = 1e-30F;  // smaller rows are all rest
  constexpr float kMost = 1e18F;    // sums of squares of larger ones may not be finite
  const std::int64_t blocks = sketch_blocks(columns);
  const float most = LargestOf(row, columns);
  SketchedRow sketched;
  if (!(most <= kMost) || !AreFinite(row, columns)) {
    std::uint8_t codes[kSketchBlock];
    std::memset(codes, kSketchOrigin, sizeof codes);
    for (std::int64_t block = 0; block < blocks; ++block) keep(block, codes);
    sketched.norm = sketched.rest_norm = sketched.upper_rest_norm = std::numeric_limits<float>::infinity();
    return sketched;
  }
  const bool small = most < kLeast;
  sketched.scale = small ? 0.0F : most / static_cast<float>(kMostSketchCode);
  const Part scale = set_part(sketched.scale);
  const Part inverse = set_part(small ? 0.0F : 1.0F / sketched.scale);
  const auto lower_bits = hn::Set(Wholes(), kLowerCodes - 1);
  const Part mean = set_part(0.5F * static_cast<float>(kLowerCodes - 1));
  Part norm = zero_part();
  Part rest_norm = zero_part();
  Part upper_rest_norm = zero_part();
  for (std::int64_t block = 0; block < blocks; ++block) {
    HWY_ALIGN std::uint8_t codes[kSketchBlock];
    for (std::int64_t column = 0; column < kSketchBlock; column += kLanes) {
      const std::int64_t place = block * kSketchBlock + column;
      const bool padding = place >= columns;
      const Part value = padding ? zero_part() : load_first(row + place, columns - place);
      const auto whole = hn::NearestInt(hn::Mul(value, inverse));
      const auto code =
          hn::Min(hn::Max(whole, hn::Set(Wholes(), -kMostSketchCode)), hn::Set(Wholes(), kMostSketchCode));
      const auto from_origin = hn::Add(code, hn::Set(Wholes(), kSketchOrigin));
      hn::StoreU(hn::DemoteTo(Codes(), from_origin), Codes(), codes + column);
      if (padding) continue;  // x is zero there
      const auto upper_code = hn::Sub(hn::AndNot(lower_bits, from_origin), hn::Set(Wholes(), kSketchOrigin));
      const Part rest = hn::Sub(value, hn::Mul(hn::ConvertTo(Lanes(), code), scale));
      const Part upper_rest = hn::Sub(value, hn::Mul(hn::Add(hn::ConvertTo(Lanes(), upper_code), mean), scale));
      norm = hn::MulAdd(value, value, norm);
      rest_norm = hn::MulAdd(rest, rest, rest_norm);
      upper_rest_norm = hn::MulAdd(upper_rest, upper_rest, upper_rest_norm);
    }
    keep(block, codes);
  }
  sketched.norm = length_of(norm, columns);
  sketched.rest_norm = length_of(rest_norm, columns);
  sketched.upper_rest_norm = length_of(upper_rest_norm, columns);
  // No side of a triangle is longer than the two others.
  sketched.code_norm = sketched.norm + HWY_MAX(sketched.rest_norm, sketched.upper_rest_norm);
  return sketched;
}

SketchedRow SketchRow(const float* row, std::int64_t columns, std::byte* upper, std::byte* lower) {
  return sketch_blocks_of(row, columns, [&](std::int64_t block, const std::uint8_t* codes) {
    pack_block(codes, upper + block * kUpperBytes, lower + block * kLowerBytes);
  });
}

SketchedRow SketchWholeRow(const float* row, std::int64_t columns, std::int8_t* to) {
  return sketch_blocks_of(row, columns, [&](std::int64_t block, const std::uint8_t* codes) {
    const std::int64_t left = whole_groups(columns) - block * kSketchBlock;
    for (std::int64_t column = 0; column < HWY_MIN(left, kSketchBlock); ++column)
      to[block * kSketchBlock + column] = static_cast<std::int8_t>(codes[column] - kSketchOrigin);
  });
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(SketchRow);
HWY_EXPORT(SketchWholeRow);

SketchedRow sketch_row(const float* row, std::int64_t columns, std::byte* upper, std::byte* lower) {
  return HWY_DYNAMIC_DISPATCH(SketchRow)(row, columns, upper, lower);
}

SketchedRow sketch_row(const float* row, std::int64_t columns, std::int8_t* codes) {
  return HWY_DYNAMIC_DISPATCH(SketchWholeRow)(row, columns, codes);
}

}  // namespace fathom
#endif
