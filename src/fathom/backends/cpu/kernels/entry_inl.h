// A cached main entry to floats, as decode_entry defines it. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_ENTRY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_ENTRY_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_ENTRY_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_ENTRY_INL_H_
#endif

#include "fathom/backends/cpu/kernels/codes_inl.h"
#include "fathom/ops/cache_format.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// One vector of stored elements; those beyond `count` are zeros and not read.
template <typename T>
HWY_INLINE hn::Vec<hn::Rebind<T, Lanes>> load_stored(const std::byte* from, std::int64_t count) {
  const hn::Rebind<T, Lanes> stored;
  if (count >= kLanes) return hn::LoadU(stored, reinterpret_cast<const T*>(from));
  HWY_ALIGN T lanes[kLanes] = {};
  std::memcpy(lanes, from, static_cast<std::size_t>(count) * sizeof(T));
  return hn::Load(stored, lanes);
}

// E4M3 to floats; see Note [E4M3 as a small float].
HWY_INLINE Part e4m3_part(const std::byte* from, std::int64_t count, Part scale) {
  const hn::Rebind<std::int32_t, Lanes> integers;
  const auto codes = hn::BitCast(Words(), hn::PromoteTo(integers, load_stored<std::int8_t>(from, count)));
  const auto fields = hn::And(hn::ShiftLeft<20>(codes), hn::Set(Words(), kE4m3Fields));
  const Part value = hn::Mul(hn::Mul(as_floats(fields), set_part(kE4m3Lift)), scale);
  const auto is_nan = hn::Eq(hn::And(codes, hn::Set(Words(), 0x7FU)), hn::Set(Words(), 0x7FU));
  return hn::IfThenElse(hn::MaskFromVec(hn::BitCast(Lanes(), hn::VecFromMask(Words(), is_nan))),
                        as_floats(hn::Set(Words(), 0x7FC00000U)), value);
}

HWY_INLINE Part bf16_part(const std::byte* from, std::int64_t count) {
  return as_floats(hn::ShiftLeft<16>(hn::PromoteTo(Words(), load_stored<std::uint16_t>(from, count))));
}

// One group of nope columns, which share a scale; as many steps as the compiler knows.
HWY_INLINE void decode_group(const std::byte* from, std::byte scale_code, float* values) {
  constexpr int kSteps = static_cast<int>(kNopeScaleGroup) / kLanes;
  const Part scale = set_part(e8m0_to_float(static_cast<std::uint8_t>(scale_code)));
  HWY_UNROLL(4)
  for (int step = 0; step < kSteps; ++step)
    store_part(e4m3_part(from + step * kLanes, kLanes, scale), values + step * kLanes);
}

HWY_INLINE void decode_row(const EntryFormat& format, const std::byte* row, float* values) {
  if (format.storage == CacheStorage::float32) {
    std::memcpy(values, row, static_cast<std::size_t>(format.head_dim) * sizeof(float));
    return;
  }
  const std::int64_t nope = format.nope_dim();
  const std::byte* scales = row + nope + 2 * format.rope_dim;
  std::int64_t first = 0;
  for (; first + kNopeScaleGroup <= nope; first += kNopeScaleGroup)
    decode_group(row + first, scales[first / kNopeScaleGroup], values + first);
  if (first < nope) {
    const Part scale = set_part(e8m0_to_float(static_cast<std::uint8_t>(scales[first / kNopeScaleGroup])));
    for (std::int64_t column = first; column < nope; column += kLanes)
      store_first(e4m3_part(row + column, nope - column, scale), values + column, nope - column);
  }
  const std::byte* rope = row + nope;
  std::int64_t column = 0;
  for (; column + kLanes <= format.rope_dim; column += kLanes)
    store_part(bf16_part(rope + 2 * column, kLanes), values + nope + column);
  if (const std::int64_t left = format.rope_dim - column; left > 0)
    store_first(bf16_part(rope + 2 * column, left), values + nope + column, left);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
