// Cosine and sine of float32 angles as the C library rounds them, so that rotary tables have the CPU's bits: an angle
// is reduced by quarter turns in double precision, and glibc's polynomials (sinf and cosf of ARM's optimized routines)
// do the rest. Equal to glibc's on 3.5 million angles up to 1.1 million, where a correctly rounded cosine is not.
#pragma once

namespace fathom::cuda {

struct ReducedAngle {
  double rest;  // between -pi / 4 and pi / 4, about
  int quarters;
};

__device__ inline ReducedAngle reduced(float angle) {
  constexpr double kHalfPi = 0x1.921FB54442D18p0;
  constexpr double kHalfPiLow = 0x1.1A62633145C07p-54;
  constexpr double kTwoOverPi = 0x1.45F306DC9C883p-1;
  const double x = static_cast<double>(angle);
  if (fabsf(angle) < 0.75F) return {x, 0};
  if (fabsf(angle) < 120.0F) {
    const int quarters = (static_cast<int>(x * (kTwoOverPi * 0x1p24)) + 0x800000) >> 24;
    return {__fma_rn(-static_cast<double>(quarters), kHalfPi, x), quarters};
  }
  const double quarters = rint(x * kTwoOverPi);
  const double rest = __fma_rn(-quarters, kHalfPi, x);
  return {__fma_rn(-quarters, kHalfPiLow, rest), static_cast<int>(static_cast<long long>(quarters) & 3)};
}

__device__ inline float polynomial_sine(double x, double square) {
  const double upper = 0x1.1107605230bc4p-7 + square * -0x1.994eb3774cf24p-13;
  const double cube = x * square;
  return static_cast<float>(x + cube * -0x1.555545995a603p-3 + cube * square * upper);
}

__device__ inline float polynomial_cosine(double square) {
  const double fourth = square * square;
  const double upper = -0x1.6c087e89a359dp-10 + square * 0x1.99343027bf8c3p-16;
  const double lower = 1.0 + square * -0x1.ffffffd0c621cp-2;
  return static_cast<float>(lower + fourth * 0x1.55553e1068f19p-5 + fourth * square * upper);
}

// `cosine` or the sine.
__device__ inline float on_circle(float angle, bool cosine) {
  if (fabsf(angle) < 0x1p-12F) return cosine ? 1.0F : angle;
  const ReducedAngle turn = reduced(angle);
  const double square = turn.rest * turn.rest;
  const bool odd = (turn.quarters & 1) != 0;
  const int quarter = turn.quarters & 3;
  const float size = odd == cosine ? polynomial_sine(turn.rest, square) : polynomial_cosine(square);
  const bool negative = cosine ? quarter == 1 || quarter == 2 : quarter >= 2;
  return negative ? -size : size;
}

}  // namespace fathom::cuda
