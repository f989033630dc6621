#include "fathom/ops/released_arithmetic.h"

#include <bit>
#include <limits>

namespace fathom {
namespace {

// An unevaluated sum of two floats: high carries the value, low what rounding took from it.
struct FloatPair {
  float high;
  float low;
};

float power_of_two(int exponent) { return std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23); }

int exponent_of(float value) { return static_cast<int>((std::bit_cast<std::uint32_t>(value) >> 23) & 0xffU) - 127; }

FloatPair sum(FloatPair a, FloatPair b) {
  const float high = a.high + b.high;
  return {high, ((a.high - high) + b.high + a.low) + b.low};
}

// m / (2 + m), both parts.
FloatPair ratio_to_two_plus(float m) {
  const float high = 2.0F + m;
  const float low = (2.0F - high) + m;
  const float inverse = 1.0F / high;
  const float quotient = m * inverse;
  const float rest = std::fma(inverse, m, -quotient);
  const float correction = std::fma(-low, inverse, std::fma(-high, inverse, 1.0F));
  return {quotient, std::fma(quotient, correction, rest)};
}

}  // namespace

float released_exp(float x) {
  if (std::isnan(x)) return x;
  if (x < -104.0F) return 0.0F;
  if (x > 100.0F) return std::numeric_limits<float>::infinity();
  constexpr float kLog2E = 1.442695040888963407359924681001892137426645954152985934135449406931F;
  const float turns = std::nearbyint(x * kLog2E);
  const float reduced = std::fma(turns, -1.428606765330187045e-06F, std::fma(turns, -0.693145751953125F, x));
  float series = 0.000198527617612853646278381F;
  series = std::fma(series, reduced, 0.00139304355252534151077271F);
  series = std::fma(series, reduced, 0.00833336077630519866943359F);
  series = std::fma(series, reduced, 0.0416664853692054748535156F);
  series = std::fma(series, reduced, 0.166666671633720397949219F);
  series = std::fma(series, reduced, 0.5F);
  const float mantissa = 1.0F + std::fma(reduced * reduced, series, reduced);
  const int exponent = static_cast<int>(turns);
  return mantissa * power_of_two(exponent >> 1) * power_of_two(exponent - (exponent >> 1));
}

float released_log1p(float x) {
  if (!(x >= 0.0F)) return std::log1p(x);  // not needed by the model: NaN stays NaN
  if (x > 1e30F) return std::log(x);
  const int exponent = exponent_of((x + 1.0F) * (1.0F / 0.75F));
  const float scale = power_of_two(-exponent);
  const float m = std::fma(x, scale, scale - 1.0F);  // 1 + x = 2^exponent (1 + m)
  const auto turns = static_cast<float>(exponent);

  constexpr FloatPair kLog2{0.69314718246459960938F, -1.904654323148236017e-09F};
  FloatPair result;
  result.high = kLog2.high * turns;
  result.low = std::fma(kLog2.low, turns, std::fma(kLog2.high, turns, -result.high));

  // log(1 + m) = 2 atanh(q), q = m / (2 + m)
  const FloatPair q = ratio_to_two_plus(m);
  const float square = q.high * q.high;
  float series = 0.3027294874F;
  series = std::fma(series, square, 0.3996108174F);
  series = std::fma(series, square, 0.6666694880F);
  result = sum(result, {q.high * 2.0F, q.low * 2.0F});
  const float cubic = square * q.high * series;
  const float high = result.high + cubic;
  return high + ((result.high - high) + cubic + result.low);
}

}  // namespace fathom
