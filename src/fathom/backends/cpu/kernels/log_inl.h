// The logarithm of ops/released_arithmetic.h in every lane. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_LOG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_LOG_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_LOG_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_LOG_INL_H_
#endif

#include "fathom/backends/cpu/kernels/wide_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// An unevaluated sum: high carries the value, low what rounding took from it.
struct PartPair {
  Part high;
  Part low;
};

// m / (2 + m), both parts.
HWY_INLINE PartPair ratio_to_two_plus(Part m) {
  const Part high = hn::Add(set_part(2.0F), m);
  const Part low = hn::Add(hn::Sub(set_part(2.0F), high), m);
  const Part inverse = hn::Div(set_part(1.0F), high);
  const Part quotient = hn::Mul(m, inverse);
  const Part rest = fused_multiply_add(inverse, m, hn::Neg(quotient));
  const Part correction =
      fused_multiply_add(hn::Neg(low), inverse, fused_multiply_add(hn::Neg(high), inverse, set_part(1.0F)));
  return {quotient, fused_multiply_add(quotient, correction, rest)};
}

HWY_INLINE PartPair sum_of_pairs(PartPair a, PartPair b) {
  const Part high = hn::Add(a.high, b.high);
  return {high, hn::Add(hn::Add(hn::Add(hn::Sub(a.high, high), b.high), a.low), b.low)};
}

// log(1 + x), the bits of released_log1p, for x in [0, 1e30].
HWY_INLINE Part log1p_part(Part x) {
  const hn::RebindToSigned<Lanes> words;
  const Part shifted = hn::Mul(hn::Add(x, set_part(1.0F)), set_part(1.0F / 0.75F));
  const auto exponent = hn::Sub(hn::ShiftRight<23>(hn::BitCast(words, shifted)), hn::Set(words, 127));
  const Part scale = power_of_two(hn::Neg(exponent));
  const Part m = fused_multiply_add(x, scale, hn::Sub(scale, set_part(1.0F)));  // 1 + x = 2^exponent (1 + m)
  const Part turns = hn::ConvertTo(Lanes(), exponent);

  const Part log2 = set_part(0.69314718246459960938F);
  const Part log2_low = set_part(-1.904654323148236017e-09F);
  PartPair result;
  result.high = hn::Mul(log2, turns);
  result.low = fused_multiply_add(log2_low, turns, fused_multiply_add(log2, turns, hn::Neg(result.high)));

  // log(1 + m) = 2 atanh(q), q = m / (2 + m)
  const PartPair q = ratio_to_two_plus(m);
  const Part square = hn::Mul(q.high, q.high);
  Part series = set_part(0.3027294874F);
  series = fused_multiply_add(series, square, set_part(0.3996108174F));
  series = fused_multiply_add(series, square, set_part(0.6666694880F));
  result = sum_of_pairs(result, {hn::Mul(q.high, set_part(2.0F)), hn::Mul(q.low, set_part(2.0F))});
  const Part cubic = hn::Mul(hn::Mul(square, q.high), series);
  const Part high = hn::Add(result.high, cubic);
  return hn::Add(high, hn::Add(hn::Add(hn::Sub(result.high, high), cubic), result.low));
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
