// Sixteen float lanes, whatever the width of the machine's vectors: sums over lanes and tiles of outputs are laid out
// in sixteens, so that their bits are the same everywhere (docs/invariance.md). Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_WIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_WIDE_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_WIDE_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_WIDE_INL_H_
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::CappedTag<float, 16>;
using Words = hn::Rebind<std::uint32_t, Lanes>;
using Part = hn::Vec<Lanes>;  // as many floats as one vector holds

inline constexpr int kLanes = static_cast<int>(hn::MaxLanes(Lanes()));
inline constexpr int kParts = 16 / kLanes;

struct Wide {
  Part part[kParts];
};

HWY_INLINE Part zero_part() { return hn::Zero(Lanes()); }
HWY_INLINE Part set_part(float value) { return hn::Set(Lanes(), value); }
HWY_INLINE Part load_part(const float* from) { return hn::LoadU(Lanes(), from); }

// The first `count` floats, zeros behind them; memory beyond is not touched.
HWY_INLINE Part load_first(const float* from, std::int64_t count) {
  if (count >= kLanes) return load_part(from);
  HWY_ALIGN float lanes[kLanes] = {};
  std::memcpy(lanes, from, static_cast<std::size_t>(count) * sizeof(float));
  return hn::Load(Lanes(), lanes);
}

HWY_INLINE void store_part(Part value, float* to) { hn::StoreU(value, Lanes(), to); }

HWY_INLINE void store_first(Part value, float* to, std::int64_t count) {
  if (count >= kLanes) return store_part(value, to);
  HWY_ALIGN float lanes[kLanes];
  hn::Store(value, Lanes(), lanes);
  std::memcpy(to, lanes, static_cast<std::size_t>(count) * sizeof(float));
}

HWY_INLINE Wide zero_wide() {
  Wide result;
  HWY_UNROLL(16)
  for (int part = 0; part < kParts; ++part) result.part[part] = zero_part();
  return result;
}

HWY_INLINE Wide load_wide(const float* from) {
  Wide result;
  HWY_UNROLL(16)
  for (int part = 0; part < kParts; ++part) result.part[part] = load_part(from + part * kLanes);
  return result;
}

HWY_INLINE void store_wide(const Wide& value, float* to) {
  HWY_UNROLL(16)
  for (int part = 0; part < kParts; ++part) store_part(value.part[part], to + part * kLanes);
}

// sum + left * right, rounded twice, as the released reference rounds it. Not a fused multiply-add: that would be
// another number, and a cached key on a rounding boundary would become its neighbour (Note [Rounded as released]).
HWY_INLINE Part multiply_add(Part left, Part right, Part sum) { return hn::Add(sum, hn::Mul(left, right)); }

#if !HWY_NATIVE_FMA && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

using HalfLanes = hn::Half<Lanes>;
using Doubles = hn::Rebind<double, HalfLanes>;

// left * right + sum, finite, rounded to a float once. The product is exact in double. Their sum is rounded to odd:
// what rounding took away decides whether the last bit is to say "not exact", and rounding to float then sees it.
HWY_INLINE hn::Vec<HalfLanes> fused_half(hn::Vec<HalfLanes> left, hn::Vec<HalfLanes> right, hn::Vec<HalfLanes> sum) {
  const Doubles doubles;
  const hn::RebindToSigned<Doubles> words;
  const auto product = hn::Mul(hn::PromoteTo(doubles, left), hn::PromoteTo(doubles, right));
  const auto added = hn::PromoteTo(doubles, sum);
  const auto total = hn::Add(product, added);
  const auto other = hn::Sub(total, product);
  const auto lost = hn::Add(hn::Sub(product, hn::Sub(total, other)), hn::Sub(added, other));
  const auto bits = hn::BitCast(words, total);
  const auto one = hn::Set(words, 1);
  // Away from zero where both have one sign, towards it where they have not.
  const auto step = hn::Or(hn::BroadcastSignBit(hn::Xor(bits, hn::BitCast(words, lost))), one);
  const auto exact = hn::RebindMask(words, hn::Eq(lost, hn::Zero(doubles)));
  const auto odd = hn::Eq(hn::And(bits, one), one);
  const auto rounded = hn::IfThenElse(hn::Or(exact, odd), bits, hn::Add(bits, step));
  return hn::DemoteTo(HalfLanes(), hn::BitCast(doubles, rounded));
}

#endif

// left * right + sum, rounded once, also where the machine has no such instruction: exponentials have the same bits on
// every instruction set.
HWY_INLINE Part fused_multiply_add(Part left, Part right, Part sum) {
#if HWY_NATIVE_FMA
  return hn::MulAdd(left, right, sum);
#elif HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  HWY_ALIGN float lefts[kLanes];
  HWY_ALIGN float rights[kLanes];
  HWY_ALIGN float sums[kLanes];
  hn::Store(left, Lanes(), lefts);
  hn::Store(right, Lanes(), rights);
  hn::Store(sum, Lanes(), sums);
  for (int lane = 0; lane < kLanes; ++lane) sums[lane] = std::fma(lefts[lane], rights[lane], sums[lane]);
  return hn::Load(Lanes(), sums);
#else
  const HalfLanes half;
  return hn::Combine(Lanes(),
                     fused_half(hn::UpperHalf(half, left), hn::UpperHalf(half, right), hn::UpperHalf(half, sum)),
                     fused_half(hn::LowerHalf(half, left), hn::LowerHalf(half, right), hn::LowerHalf(half, sum)));
#endif
}

// Nothing, but values that pass here are computed in this order: a compiler that gathers the links of each chain leaves
// the machine one chain at a time, and runs out of registers.
template <class Vector>
HWY_INLINE void in_order(Vector& value) {
#if HWY_ARCH_X86 && !HWY_COMPILER_MSVC && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  asm volatile("" : "+v"(value.raw));
#else
  (void)value;
#endif
}

// 2^exponent; the exponents lie in [-126, 127].
HWY_INLINE Part power_of_two(hn::Vec<hn::RebindToSigned<Lanes>> exponent) {
  const hn::RebindToSigned<Lanes> words;
  return hn::BitCast(Lanes(), hn::ShiftLeft<23>(hn::Add(exponent, hn::Set(words, 127))));
}

// e^x, the bits of released_exp (ops/released_arithmetic.h). NaN stays NaN.
HWY_INLINE Part exp_part(Part x) {
  const hn::RebindToSigned<Lanes> words;
  const auto too_small = hn::Lt(x, set_part(-104.0F));
  const auto too_large = hn::Gt(x, set_part(100.0F));
  const Part inside = hn::IfThenZeroElse(hn::Or(hn::Or(too_small, too_large), hn::Ne(x, x)), x);
  const Part turns = hn::Round(hn::Mul(inside, set_part(1.442695040888963407359924681001892137F)));
  const Part reduced = fused_multiply_add(turns, set_part(-1.428606765330187045e-06F),
                                          fused_multiply_add(turns, set_part(-0.693145751953125F), inside));
  Part series = set_part(0.000198527617612853646278381F);
  series = fused_multiply_add(series, reduced, set_part(0.00139304355252534151077271F));
  series = fused_multiply_add(series, reduced, set_part(0.00833336077630519866943359F));
  series = fused_multiply_add(series, reduced, set_part(0.0416664853692054748535156F));
  series = fused_multiply_add(series, reduced, set_part(0.166666671633720397949219F));
  series = fused_multiply_add(series, reduced, set_part(0.5F));
  const Part mantissa = hn::Add(set_part(1.0F), fused_multiply_add(hn::Mul(reduced, reduced), series, reduced));
  const auto exponent = hn::ConvertTo(words, turns);
  const auto half = hn::ShiftRight<1>(exponent);
  const Part power = hn::Mul(hn::Mul(mantissa, power_of_two(half)), power_of_two(hn::Sub(exponent, half)));
  const Part bounded = hn::IfThenElse(too_large, hn::Inf(Lanes()), hn::IfThenZeroElse(too_small, power));
  return hn::IfThenElse(hn::Eq(x, x), bounded, x);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
