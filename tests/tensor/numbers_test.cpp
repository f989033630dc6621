// The conversions against a slow search: a format's values are listed by arithmetic, and the nearest is looked for.
#include "fathom/tensor/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fathom {
namespace {

double e4m3_value(int code) {
  const int exponent = code >> 3 & 15;
  const int mantissa = code & 7;
  return exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
}

double e2m1_value(int code) { return std::vector<double>{0, 0.5, 1, 1.5, 2, 3, 4, 6}[code]; }

// The nearest of the values 0 .. last (ascending codes), a tie to the even code.
template <typename Value>
int nearest(double magnitude, int last, const Value& value) {
  int best = 0;
  for (int code = 1; code <= last; ++code) {
    const double distance = std::fabs(value(code) - magnitude);
    const double least = std::fabs(value(best) - magnitude);
    if (distance < least || (distance == least && code % 2 == 0)) best = code;
  }
  return best;
}

// Every upper half of a float32, with lower halves at and around zero: the thresholds of both small formats have few
// bits, so that between two of these floats nothing changes.
template <typename Call>
void for_telling_floats(const Call& call) {
  for (std::uint32_t upper = 0; upper < 0x10000U; ++upper)
    for (const std::uint32_t lower : {0U, 1U, 0xffffU}) call(std::bit_cast<float>(upper << 16 | lower));
}

TEST(Numbers, E4m3ToFloat) {
  for (int code = 0; code < 256; ++code) {
    const float value = e4m3_to_float(static_cast<std::uint8_t>(code));
    EXPECT_EQ(std::signbit(value), code >= 128);
    if ((code & 127) == 127)
      EXPECT_TRUE(std::isnan(value));
    else
      EXPECT_EQ(std::fabs(static_cast<double>(value)), e4m3_value(code & 127)) << code;
  }
}

TEST(Numbers, FloatToE4m3IsTheNearestWithTiesToEven) {
  for_telling_floats([](float value) {
    const int code = float_to_e4m3(value);
    if (std::isnan(value)) {
      ASSERT_EQ(code & 127, 127);
      return;
    }
    const double magnitude = std::min(std::fabs(static_cast<double>(value)), 1e6);  // beyond 448 saturates
    ASSERT_EQ(code, nearest(magnitude, 126, e4m3_value) | (std::signbit(value) ? 128 : 0)) << value;
  });
}

TEST(Numbers, EveryE4m3ValueComesBack) {
  for (int code = 0; code < 256; ++code) EXPECT_EQ(float_to_e4m3(e4m3_to_float(static_cast<std::uint8_t>(code))), code);
}

TEST(Numbers, E2m1ToFloat) {
  for (int code = 0; code < 16; ++code) {
    const float value = e2m1_to_float(static_cast<std::uint8_t>(code));
    EXPECT_EQ(std::signbit(value), code >= 8);
    EXPECT_EQ(std::fabs(static_cast<double>(value)), e2m1_value(code & 7));
  }
}

TEST(Numbers, FloatToE2m1IsTheNearestWithTiesToEven) {
  for_telling_floats([](float value) {
    if (std::isnan(value)) return;
    const double magnitude = std::min(std::fabs(static_cast<double>(value)), 1e6);
    ASSERT_EQ(float_to_e2m1(value), nearest(magnitude, 7, e2m1_value) | (std::signbit(value) ? 8 : 0)) << value;
  });
}

TEST(Numbers, TiesOfE2m1ByName) {
  const float ties[] = {0.25F, 0.75F, 1.25F, 1.75F, 2.5F, 3.5F, 5.0F};
  const int codes[] = {0, 2, 2, 4, 4, 6, 6};
  for (int tie = 0; tie < 7; ++tie) {
    EXPECT_EQ(float_to_e2m1(ties[tie]), codes[tie]) << ties[tie];
    EXPECT_EQ(float_to_e2m1(-ties[tie]), codes[tie] | 8) << -ties[tie];
  }
}

TEST(Numbers, E8m0IsAPowerOfTwoAndNotAnInteger) {
  for (int code = 0; code < 255; ++code)
    EXPECT_EQ(static_cast<double>(e8m0_to_float(static_cast<std::uint8_t>(code))), std::ldexp(1.0, code - 127));
  EXPECT_TRUE(std::isnan(e8m0_to_float(255)));
}

TEST(Numbers, CeilToE8m0IsTheLeastPowerThatHolds) {
  for (std::uint32_t exponent = 0; exponent < 255; ++exponent)
    for (const std::uint32_t mantissa : {0U, 1U, 0x3fffffU, 0x400000U, 0x400001U, 0x7fffffU}) {
      const auto value = std::bit_cast<float>(exponent << 23 | mantissa);
      if (value == 0.0F) continue;
      int least = 0;
      while (least < 254 && std::ldexp(1.0, least - 127) < static_cast<double>(value)) ++least;
      ASSERT_EQ(ceil_to_e8m0(value), least) << value;
    }
}

TEST(Numbers, Bf16IsTheUpperHalfRoundedToEven) {
  for (std::uint32_t upper = 0; upper < 0x10000U; ++upper) {
    const auto exact = static_cast<std::uint16_t>(upper);
    const float value = bf16_to_float(exact);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(value), upper << 16);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(value))));
      for (const std::uint32_t lower : {1U, 0xffffU})
        EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(upper << 16 | lower)))));
      continue;
    }
    EXPECT_EQ(float_to_bf16(value), exact);
    if (std::isinf(value)) continue;
    const auto next = static_cast<std::uint16_t>(upper + 1);  // away from zero, infinity at last
    for (const std::uint32_t lower : {1U, 0x7fffU})
      ASSERT_EQ(float_to_bf16(std::bit_cast<float>(upper << 16 | lower)), exact);
    for (const std::uint32_t lower : {0x8001U, 0xffffU})
      ASSERT_EQ(float_to_bf16(std::bit_cast<float>(upper << 16 | lower)), next);
    ASSERT_EQ(float_to_bf16(std::bit_cast<float>(upper << 16 | 0x8000U)), exact % 2 == 0 ? exact : next);
  }
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7f800001U)))));
}

TEST(Numbers, F16ToFloat) {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const float value = f16_to_float(static_cast<std::uint16_t>(bits));
    const int exponent = static_cast<int>(bits >> 10 & 31U);
    const int mantissa = static_cast<int>(bits & 1023U);
    ASSERT_EQ(std::signbit(value), bits >= 0x8000U);
    if (exponent == 31) {
      ASSERT_EQ(std::isnan(value), mantissa != 0);
      ASSERT_EQ(std::isinf(value), mantissa == 0);
      continue;
    }
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    ASSERT_EQ(std::fabs(static_cast<double>(value)), magnitude) << bits;
  }
}

// Conversions are usable in constant expressions.
static_assert(e4m3_to_float(0x7e) == 448.0F && float_to_e4m3(1000.0F) == 0x7e && float_to_e2m1(7.0F) == 7);
static_assert(float_to_bf16(1.0F) == 0x3f80 && ceil_to_e8m0(1.5F) == 128);

}  // namespace
}  // namespace fathom
