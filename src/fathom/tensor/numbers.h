// The released number formats, one element at a time. These are the definitions; kernels are tested against them.
//
//   bf16   upper half of a float32, round to nearest even
//   e4m3   F8_E4M3 (fn): 4 exponent bits of bias 7, 3 mantissa bits, largest 448, no infinity, 0x7f/0xff are NaN
//   e8m0   a power of two, 2^(byte - 127); 0xff is NaN
//   e2m1   FP4: {0, .5, 1, 1.5, 2, 3, 4, 6} and a sign, round to nearest even code
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace fathom {

inline constexpr float kE4m3Max = 448.0F;
inline constexpr float kE2m1Max = 6.0F;
inline constexpr float kE2m1Values[8] = {0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F};

constexpr float bf16_to_float(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

constexpr std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);  // NaN stays NaN
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

constexpr float f16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU;
  const std::uint32_t mantissa = bits & 0x3ffU;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000U | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
  return sign != 0 ? -magnitude : magnitude;
}

constexpr float e4m3_to_float(std::uint8_t bits) {
  const std::uint32_t exponent = (bits >> 3) & 0xfU;
  const std::uint32_t mantissa = bits & 7U;
  float magnitude = 0.0F;
  if (exponent == 0xf && mantissa == 7) {
    magnitude = std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = static_cast<float>(mantissa) * 0x1p-9F;
  } else {
    magnitude = std::bit_cast<float>(((exponent + 120U) << 23) | (mantissa << 20));
  }
  return (bits & 0x80U) != 0 ? -magnitude : magnitude;
}

// Round to nearest even; beyond 448 saturates; NaN stays NaN.
constexpr std::uint8_t float_to_e4m3(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint8_t>((bits >> 24) & 0x80U);
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  if (magnitude > 0x7f800000U) return static_cast<std::uint8_t>(sign | 0x7fU);
  if (magnitude >= std::bit_cast<std::uint32_t>(464.0F)) return static_cast<std::uint8_t>(sign | 0x7eU);
  if (magnitude < std::bit_cast<std::uint32_t>(0x1p-6F)) {
    // Subnormal: adding 2^14 leaves the count of 2^-9 steps, rounded to even, in the low mantissa bits.
    const float shifted = std::bit_cast<float>(magnitude) + 0x1p14F;
    return static_cast<std::uint8_t>(sign | (std::bit_cast<std::uint32_t>(shifted) & 0xfU));
  }
  const std::uint32_t rounded = magnitude + 0x7ffffU + ((magnitude >> 20) & 1U);
  const std::uint32_t code = (rounded >> 20) - (120U << 3);
  return static_cast<std::uint8_t>(sign | (code > 0x7eU ? 0x7eU : code));
}

constexpr float e8m0_to_float(std::uint8_t bits) {
  if (bits == 0xff) return std::numeric_limits<float>::quiet_NaN();
  if (bits == 0) return 0x1p-127F;
  return std::bit_cast<float>(std::uint32_t{bits} << 23);
}

// The exponent byte of the smallest power of two that is at least `value`; value is positive and finite.
constexpr std::uint8_t ceil_to_e8m0(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t exponent = bits >> 23;
  if (exponent == 0) return static_cast<std::uint8_t>((bits & 0x7fffffU) > 0x400000U ? 1 : 0);  // 2^-127 is a half step
  const std::uint32_t up = (bits & 0x7fffffU) != 0 ? 1U : 0U;
  return static_cast<std::uint8_t>(exponent + up > 254U ? 254U : exponent + up);
}

constexpr float e2m1_to_float(std::uint8_t code) {
  const float magnitude = kE2m1Values[code & 7U];
  return (code & 8U) != 0 ? -magnitude : magnitude;
}

// Nearest of the sixteen values, ties to the even code, beyond 6 saturates. The sign of zero is kept, as hardware does.
constexpr std::uint8_t float_to_e2m1(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint8_t>((bits >> 28) & 8U);
  const float magnitude = std::bit_cast<float>(bits & 0x7fffffffU);
  // Midpoints between neighbours; `>` where the tie goes down to the even code, `>=` where it goes up to it.
  std::uint8_t code = 0;
  if (magnitude > 0.25F) code = 1;
  if (magnitude >= 0.75F) code = 2;
  if (magnitude > 1.25F) code = 3;
  if (magnitude >= 1.75F) code = 4;
  if (magnitude > 2.5F) code = 5;
  if (magnitude >= 3.5F) code = 6;
  if (magnitude > 5.0F) code = 7;
  return static_cast<std::uint8_t>(sign | code);
}

}  // namespace fathom
