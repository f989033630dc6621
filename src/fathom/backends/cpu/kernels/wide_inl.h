// Sixteen float lanes, whatever the width of the machine's vectors: sums over lanes and tiles of outputs are laid out
// in sixteens, so that their bits are the same everywhere (docs/invariance.md). Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_WIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_WIDE_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_WIDE_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_WIDE_INL_H_
#endif

#include <hwy/highway.h>

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

// Nothing, but values that pass here are computed in this order: a compiler that gathers the links of each chain leaves
// the machine one chain at a time, and runs out of registers.
HWY_INLINE void in_order(Part& value) {
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

// e^x, the bits of released_exp (ops/released_arithmetic.h) where the machine has fused multiply-adds. NaN stays NaN.
HWY_INLINE Part exp_part(Part x) {
  const hn::RebindToSigned<Lanes> words;
  const auto too_small = hn::Lt(x, set_part(-104.0F));
  const auto too_large = hn::Gt(x, set_part(100.0F));
  const Part inside = hn::IfThenZeroElse(hn::Or(hn::Or(too_small, too_large), hn::Ne(x, x)), x);
  const Part turns = hn::Round(hn::Mul(inside, set_part(1.442695040888963407359924681001892137F)));
  const Part reduced =
      hn::MulAdd(turns, set_part(-1.428606765330187045e-06F), hn::MulAdd(turns, set_part(-0.693145751953125F), inside));
  Part series = set_part(0.000198527617612853646278381F);
  series = hn::MulAdd(series, reduced, set_part(0.00139304355252534151077271F));
  series = hn::MulAdd(series, reduced, set_part(0.00833336077630519866943359F));
  series = hn::MulAdd(series, reduced, set_part(0.0416664853692054748535156F));
  series = hn::MulAdd(series, reduced, set_part(0.166666671633720397949219F));
  series = hn::MulAdd(series, reduced, set_part(0.5F));
  const Part mantissa = hn::Add(set_part(1.0F), hn::MulAdd(hn::Mul(reduced, reduced), series, reduced));
  const auto exponent = hn::ConvertTo(words, turns);
  const auto half = hn::ShiftRight<1>(exponent);
  const Part power = hn::Mul(hn::Mul(mantissa, power_of_two(half)), power_of_two(hn::Sub(exponent, half)));
  const Part bounded = hn::IfThenElse(too_large, hn::Inf(Lanes()), hn::IfThenZeroElse(too_small, power));
  return hn::IfThenElse(hn::Eq(x, x), bounded, x);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
