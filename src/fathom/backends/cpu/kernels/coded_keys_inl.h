// Keys as they are stored, met by few rows: turned over as codes, and decoded where they are needed. Decoded keys of
// 128 columns and more would leave the first cache and come back. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_CODED_KEYS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_CODED_KEYS_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_CODED_KEYS_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_CODED_KEYS_INL_H_
#endif

#include <bit>

#include "fathom/backends/cpu/kernels/entry_inl.h"
#include "fathom/backends/cpu/kernels/turn_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Sums of 64 columns take four registers a row here, and more elsewhere than there are.
#if HWY_TARGET <= HWY_AVX3
inline constexpr std::int64_t kMostCodedRows = 6;
#else
inline constexpr std::int64_t kMostCodedRows = 0;
#endif

#if HWY_TARGET <= HWY_AVX3

inline constexpr std::int64_t kGroupParts = kNopeScaleGroup / kLanes;

// Scales up to which their product with kE4m3Lift is finite; decode_entry's two products then are one.
inline constexpr std::uint32_t kMostLiftedScale = 134;

HWY_INLINE bool has_whole_groups(const EntryFormat& format) {
  return format.storage == CacheStorage::released && format.nope_dim() % kNopeScaleGroup == 0 &&
         format.rope_dim % kNopeScaleGroup == 0;
}

HWY_INLINE std::int64_t scales_at(const EntryFormat& format) { return format.nope_dim() + 2 * format.rope_dim; }

// Of 2^(code - 127) * kE4m3Lift, code + this is the exponent.
inline constexpr std::uint32_t kLiftedScale = 120;

// panel[column * step + lane] = a column of kLanes keys. False where a code is none or a scale too large: then these
// are not decode_entry's values.
HWY_INLINE bool turn_codes(const EntryFormat& format, const std::byte* const* keys, std::int64_t step, float* panel) {
  const hn::Repartition<std::uint8_t, Lanes> bytes;
  const auto magnitude = hn::Set(bytes, std::uint8_t{0x7f});
  const float* rows[kLanes];
  for (std::int64_t lane = 0; lane < kLanes; ++lane) rows[lane] = reinterpret_cast<const float*>(keys[lane]);
  const std::int64_t nope = format.nope_dim();
  auto others = hn::Zero(Words());
  Part turned[4];
  for (std::int64_t first = 0; first < nope; first += kNopeScaleGroup) {
    HWY_ALIGN std::uint32_t codes[kLanes];
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      codes[lane] = static_cast<std::uint8_t>(keys[lane][scales_at(format) + first / kNopeScaleGroup]);
    const auto scale_codes = hn::Load(Words(), codes);
    const auto too_large = hn::Gt(scale_codes, hn::Set(Words(), kMostLiftedScale));
    others = hn::Or(others, hn::VecFromMask(Words(), too_large));
    const Part scale = as_floats(hn::ShiftLeft<23>(hn::Add(scale_codes, hn::Set(Words(), kLiftedScale))));
    for (std::int64_t column = first; column < first + kNopeScaleGroup; column += 16) {
      turn_four(rows, column / 4, turned);
      HWY_UNROLL(4)
      for (int index = 0; index < 4; ++index) {
        const auto words = hn::BitCast(Words(), turned[index]);
        const auto none = hn::Eq(hn::And(hn::BitCast(bytes, words), magnitude), magnitude);
        others = hn::Or(others, hn::BitCast(Words(), hn::VecFromMask(bytes, none)));
        hn::Vec<Words> pairs[2];
        Fp8Codes::pairs_of(words, pairs);
        HWY_UNROLL(4)
        for (int each = 0; each < 4; ++each)
          store_part(hn::Mul(Fp8Codes::value(pairs, each), scale), panel + (column + 4 * index + each) * step);
      }
    }
  }
  for (std::int64_t pair = 0; pair < format.rope_dim / 2; pair += 4) {
    turn_four(rows, nope / 4 + pair, turned);
    float* to = panel + (nope + 2 * pair) * step;
    HWY_UNROLL(4)
    for (int index = 0; index < 4; ++index) {
      const auto words = hn::BitCast(Words(), turned[index]);
      store_part(Bf16Codes::value(words, 0), to + 2 * index * step);
      store_part(Bf16Codes::value(words, 1), to + (2 * index + 1) * step);
    }
  }
  return hn::AllTrue(Words(), hn::Eq(others, hn::Zero(Words())));
}

// Some keys in order, and each row's weights of them.
struct CodedKeys {
  const std::byte* const* keys = nullptr;
  std::int64_t count = 0;
  const float* const* weights = nullptr;  // [rows]
};

// 64 columns of a key: nope columns of one scale, or rope columns.
template <bool kRope>
HWY_INLINE void decode_columns_of(const EntryFormat& format, const std::byte* key, std::int64_t first,
                                  Part (&values)[kGroupParts]) {
  if constexpr (kRope) {
    const std::byte* from = key + format.nope_dim() + 2 * (first - format.nope_dim());
    HWY_UNROLL(4)
    for (int part = 0; part < kGroupParts; ++part) values[part] = bf16_part(from + 2 * part * kLanes, kLanes);
  } else {
    const hn::Rebind<std::int8_t, Lanes> codes;
    const hn::Rebind<std::int32_t, Lanes> integers;
    const auto scale_code = static_cast<std::uint8_t>(key[scales_at(format) + first / kNopeScaleGroup]);
    const Part scale = set_part(std::bit_cast<float>((scale_code + kLiftedScale) << 23U));
    const auto* from = reinterpret_cast<const std::int8_t*>(key + first);
    HWY_UNROLL(4)
    for (int part = 0; part < kGroupParts; ++part) {
      const auto words = hn::BitCast(Words(), hn::PromoteTo(integers, hn::LoadU(codes, from + part * kLanes)));
      const auto fields = hn::And(hn::ShiftLeft<20>(words), hn::Set(Words(), kE4m3Fields));
      values[part] = hn::Mul(as_floats(fields), scale);
    }
  }
}

// to[row][column] += the sum over the keys, in order, of weight times column, for columns [first, first + 64).
template <int kRows, bool kRope>
HWY_INLINE void add_coded_columns(const EntryFormat& format, const CodedKeys& keys, std::int64_t first, float* to,
                                  std::int64_t to_step) {
  Part sums[kRows][kGroupParts];
  const float* weights[kRows];
  HWY_UNROLL(8)
  for (int row = 0; row < kRows; ++row) {
    weights[row] = keys.weights[row];
    HWY_UNROLL(4)
    for (int part = 0; part < kGroupParts; ++part)
      sums[row][part] = load_part(to + row * to_step + first + part * kLanes);
  }
  for (std::int64_t key = 0; key < keys.count; ++key) {
    Part values[kGroupParts];
    decode_columns_of<kRope>(format, keys.keys[key], first, values);
    HWY_UNROLL(8)
    for (int row = 0; row < kRows; ++row) {
      const Part weight = set_part(weights[row][key]);
      HWY_UNROLL(4)
      for (int part = 0; part < kGroupParts; ++part)
        sums[row][part] = multiply_add(weight, values[part], sums[row][part]);
    }
  }
  HWY_UNROLL(8)
  for (int row = 0; row < kRows; ++row) {
    HWY_UNROLL(4)
    for (int part = 0; part < kGroupParts; ++part)
      store_part(sums[row][part], to + row * to_step + first + part * kLanes);
  }
}

// The same for all columns.
template <int kRows = kMostCodedRows>
HWY_INLINE void add_coded_keys(const EntryFormat& format, const CodedKeys& keys, std::int64_t rows, float* to,
                               std::int64_t to_step) {
  if (rows != kRows) {
    if constexpr (kRows > 1) add_coded_keys<kRows - 1>(format, keys, rows, to, to_step);
    return;
  }
  std::int64_t first = 0;
  for (; first < format.nope_dim(); first += kNopeScaleGroup)
    add_coded_columns<kRows, false>(format, keys, first, to, to_step);
  for (; first < format.head_dim; first += kNopeScaleGroup)
    add_coded_columns<kRows, true>(format, keys, first, to, to_step);
}

#endif

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
