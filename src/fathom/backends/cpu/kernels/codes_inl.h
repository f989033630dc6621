// Released number formats to float lanes, in registers and exactly. Included once per instruction set.
#if defined(FATHOM_BACKENDS_CPU_KERNELS_CODES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_BACKENDS_CPU_KERNELS_CODES_INL_H_
#undef FATHOM_BACKENDS_CPU_KERNELS_CODES_INL_H_
#else
#define FATHOM_BACKENDS_CPU_KERNELS_CODES_INL_H_
#endif

#include <hwy/cache_control.h>

#include "fathom/backends/cpu/kernels/packed_tiles.h"
#include "fathom/backends/cpu/kernels/wide_inl.h"
#include "fathom/tensor/numbers.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

// Note [E4M3 as a small float]: sign, exponent and mantissa of an E4M3 code, moved to those fields of a float32, are
// its value times 2^-120, subnormals included; a product with 2^120 is exact and restores it. The code of NaN would
// become 480: weights that hold one are packed as f32, and rows of the cache are looked at.
inline constexpr float kE4m3Lift = 0x1p120F;
inline constexpr std::uint32_t kE4m3Fields = 0x87F00000U;

HWY_INLINE const std::byte* part_of_block(const std::byte* block, int part) { return block + part * kLanes * 4; }

HWY_INLINE hn::Vec<Words> load_words(const std::byte* from) {
  return hn::LoadU(Words(), reinterpret_cast<const std::uint32_t*>(from));
}

HWY_INLINE Part as_floats(hn::Vec<Words> words) { return hn::BitCast(Lanes(), words); }

// Each `decode` gives one part of a block's sixteen outputs, for all columns of the block, before any scale.
//
// A run is one or more blocks of four or eight columns: `decode_four` loads four of its columns, those from 4 * four
// on, into kVectors vectors, and `value` gives them one by one.
struct F32Codes {
  static constexpr CodeFormat kFormat = CodeFormat::f32;
  static constexpr int kColumns = 1;
  static constexpr int kRunColumns = 4;
  static constexpr int kVectors = 4;
  static constexpr float kLift = 1.0F;
  static HWY_INLINE void decode_four(const std::byte* run, int part, int /*four*/, hn::Vec<Words> (&columns)[4]) {
    HWY_UNROLL(4)
    for (int column = 0; column < 4; ++column) columns[column] = load_words(part_of_block(run + column * 64, part));
  }
  static HWY_INLINE Part value(const hn::Vec<Words> (&columns)[4], int column) { return as_floats(columns[column]); }
  static HWY_INLINE void decode(const std::byte* block, int part, Part (&values)[kColumns]) {
    values[0] = as_floats(load_words(part_of_block(block, part)));
  }
};

struct Bf16Codes {
  static constexpr CodeFormat kFormat = CodeFormat::bf16;
  static constexpr int kColumns = 2;
  static constexpr int kRunColumns = 4;
  static constexpr int kVectors = 2;
  static constexpr float kLift = 1.0F;
  // The lower (0) or the upper (1) half of each word.
  static HWY_INLINE Part value(hn::Vec<Words> pair, int column) {
    return as_floats(column == 0 ? hn::ShiftLeft<16>(pair) : hn::And(pair, hn::Set(Words(), 0xFFFF0000U)));
  }
  static HWY_INLINE void decode_four(const std::byte* run, int part, int /*four*/, hn::Vec<Words> (&pairs)[2]) {
    pairs[0] = load_words(part_of_block(run, part));
    pairs[1] = load_words(part_of_block(run + kBlockBytes, part));
  }
  static HWY_INLINE Part value(const hn::Vec<Words> (&pairs)[2], int column) {
    return value(pairs[column / 2], column % 2);
  }
  static HWY_INLINE void decode(const std::byte* block, int part, Part (&values)[kColumns]) {
    const auto pair = load_words(part_of_block(block, part));
    values[0] = value(pair, 0);
    values[1] = value(pair, 1);
  }
};

// Note [Bf16 in twelve bits]
struct IndexedBf16Codes {
  static constexpr CodeFormat kFormat = CodeFormat::indexed_bf16;
  static constexpr int kColumns = 2;
  static constexpr float kLift = 1.0F;
#if HWY_TARGET == HWY_SCALAR
  explicit IndexedBf16Codes(const PackedTiles& weight) : upper_(weight.upper_bytes) {}

  HWY_INLINE void decode(const std::byte* block, int part, Part (&values)[kColumns]) const {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(block);
    for (int column = 0; column < kColumns; ++column) {
      const int place = place_in_indexed_block(part * kColumns + column);
      const std::uint32_t upper = upper_[bytes[32 + place % 16] >> (place / 16 * 4) & 0xfU];
      values[column] = as_floats(hn::Set(Words(), upper << 24U | std::uint32_t{bytes[place]} << 16U));
    }
  }

 private:
  const std::uint8_t* upper_;
#else
  explicit IndexedBf16Codes(const PackedTiles& weight) : upper_(hn::LoadDup128(Bytes(), weight.upper_bytes)) {}

  HWY_INLINE void decode(const std::byte* block, int part, Part (&values)[kColumns]) const {
    const auto pair = pairs(reinterpret_cast<const std::uint8_t*>(block), part);
    values[0] = Bf16Codes::value(pair, 0);
    values[1] = Bf16Codes::value(pair, 1);
  }

 private:
  // Vectors of sixteen bytes hold two eights of a block, those of 32 all four.
  using Some = hn::CappedTag<float, 8>;
  using Bytes = hn::Repartition<std::uint8_t, Some>;
  using SomeWords = hn::Repartition<std::uint32_t, Some>;
  static constexpr bool kWhole = hn::MaxLanes(Bytes()) == 32;

  HWY_INLINE hn::Vec<Words> pairs(const std::uint8_t* block, int part) const {
    const int second = kWhole ? 0 : part % 2;
    const auto lower = hn::LoadU(Bytes(), block + 16 * second);
    const auto upper = hn::TableLookupBytes(upper_, indices(block + 32, second));
    const auto first = hn::BitCast(SomeWords(), hn::InterleaveLower(Bytes(), lower, upper));
    const auto last = hn::BitCast(SomeWords(), hn::InterleaveUpper(Bytes(), lower, upper));
#if HWY_TARGET <= HWY_AVX3
    (void)part;
    return hn::Combine(Words(), last, first);
#else
    return (kWhole ? part : part / 2) == 0 ? first : last;
#endif
  }

  static HWY_INLINE hn::Vec<Bytes> indices(const std::uint8_t* from, int second) {
    HWY_ALIGN static constexpr std::uint32_t kShifts[8] = {0, 0, 0, 0, 4, 4, 4, 4};
    const SomeWords words;
    const auto both = hn::BitCast(words, hn::LoadDup128(Bytes(), from));
    const auto shifted = hn::Shr(both, hn::LoadU(words, kShifts + 4 * second));
    return hn::And(hn::BitCast(Bytes(), shifted), hn::Set(Bytes(), std::uint8_t{0xf}));
  }

  hn::Vec<Bytes> upper_;
#endif
};

struct Fp8Codes {
  static constexpr CodeFormat kFormat = CodeFormat::fp8;
  static constexpr int kColumns = 4;
  static constexpr int kRunColumns = 4;
  static constexpr int kVectors = 2;
  static constexpr float kLift = kE4m3Lift;
  static constexpr float kRowLift = 0x1p100F;  // of kLift, what a moderate x can bear; scales bear the rest
  static constexpr int kScaleLift = 20;
#if HWY_TARGET == HWY_SCALAR
  static HWY_INLINE void decode(const std::byte* block, int part, Part (&values)[kColumns]) {
    const hn::Rebind<std::int32_t, Lanes> integers;
    for (int column = 0; column < kColumns; ++column) {
      const auto code = static_cast<std::uint32_t>(part_of_block(block, part)[column]) << 24U;
      values[column] =
          fields_of(hn::BitCast(Words(), hn::ShiftRight<4>(hn::Set(integers, static_cast<std::int32_t>(code)))));
    }
  }
#else
  static HWY_INLINE void decode(const std::byte* block, int part, Part (&values)[kColumns]) {
    hn::Vec<Words> pairs[2];
    decode_four(block, part, 0, pairs);
    HWY_UNROLL(4)
    for (int column = 0; column < kColumns; ++column) values[column] = value(pairs, column);
  }

  // Four columns of one part, two in each of the pairs; `value` gives them one by one.
  static HWY_INLINE void decode_four(const std::byte* block, int part, int four, hn::Vec<Words> (&pairs)[2]) {
    (void)four;  // a block has no others
    pairs_of(load_words(part_of_block(block, part)), pairs);
  }
  static HWY_INLINE void pairs_of(hn::Vec<Words> words, hn::Vec<Words> (&pairs)[2]) {
    // Two codes at a time, each in the top byte of sixteen bits; the arithmetic shift leaves the sign at the top.
    const hn::Repartition<std::int16_t, Lanes> halves;
    const auto codes = hn::BitCast(halves, words);
    pairs[0] = hn::BitCast(Words(), hn::ShiftRight<4>(hn::ShiftLeft<8>(codes)));
    pairs[1] = hn::BitCast(Words(), hn::ShiftRight<4>(codes));
  }
  static HWY_INLINE Part value(const hn::Vec<Words> (&pairs)[2], int column) {
    return fields_of(column < 2 ? hn::ShiftLeft<16>(pairs[column]) : pairs[column - 2]);
  }
#endif

 private:
  static HWY_INLINE Part fields_of(hn::Vec<Words> words) {
    return as_floats(hn::And(words, hn::Set(Words(), kE4m3Fields)));
  }
};

struct Fp4Codes {
  static constexpr CodeFormat kFormat = CodeFormat::fp4;
  static constexpr int kColumns = 8;
  static constexpr int kRunColumns = 8;
  static constexpr int kVectors = 2;
  static constexpr float kLift = 1.0F;
  static constexpr int kScaleLift = 0;
#if HWY_TARGET == HWY_SCALAR
  static HWY_INLINE void decode(const std::byte* block, int part, Part (&values)[kColumns]) {
    const std::byte* quad = block + part / 4 * 16 + 2 * (part % 4);
    for (int column = 0; column < 4; ++column) {
      const auto pair = static_cast<std::uint8_t>(quad[8 * (column / 2) + column % 2]);
      values[column] = set_part(e2m1_to_float(pair & 0xfU));
      values[column + 4] = set_part(e2m1_to_float(pair >> 4));
    }
  }
#else
  static HWY_INLINE void decode(const std::byte* block, int part, Part (&values)[kColumns]) {
    HWY_UNROLL(2)
    for (int half = 0; half < 2; ++half) {
      hn::Vec<Words> pairs[2];
      decode_four(block, part, half, pairs);
      HWY_UNROLL(4)
      for (int column = 0; column < 4; ++column) values[4 * half + column] = value(pairs, column);
    }
  }

  // Columns [4 * four, 4 * four + 4) of one part as pairs of bf16.
  static HWY_INLINE void decode_four(const std::byte* block, int part, int four, hn::Vec<Words> (&pairs)[2]) {
    const Bytes bytes;
    const hn::Repartition<std::uint16_t, Lanes> halves;
    const auto codes = hn::BitCast(bytes, load_words(part_of_block(block, part)));
    const auto nibble = hn::Set(bytes, std::uint8_t{0xf});
    if (four == 0) {
      decode_two_pairs(hn::And(codes, nibble), pairs);
    } else {
      const auto high = hn::BitCast(bytes, hn::ShiftRight<4>(hn::BitCast(halves, codes)));
      decode_two_pairs(hn::And(high, nibble), pairs);
    }
  }

  static HWY_INLINE Part value(const hn::Vec<Words> (&pairs)[2], int column) {
    return Bf16Codes::value(pairs[column / 2], column % 2);
  }

 private:
  using Bytes = hn::Repartition<std::uint8_t, Lanes>;

  // The upper half of a value's float32 is looked up byte by byte; the lower half is zero.
  static HWY_INLINE void decode_two_pairs(hn::Vec<Bytes> codes, hn::Vec<Words> (&pairs)[2]) {
    HWY_ALIGN static constexpr std::uint8_t kUpper[16] = {0x00, 0x3F, 0x3F, 0x3F, 0x40, 0x40, 0x40, 0x40,
                                                          0x80, 0xBF, 0xBF, 0xBF, 0xC0, 0xC0, 0xC0, 0xC0};
    HWY_ALIGN static constexpr std::uint8_t kLower[16] = {0x00, 0x00, 0x80, 0xC0, 0x00, 0x40, 0x80, 0xC0,
                                                          0x00, 0x00, 0x80, 0xC0, 0x00, 0x40, 0x80, 0xC0};
    const Bytes bytes;
    const auto upper = hn::TableLookupBytes(hn::LoadDup128(bytes, kUpper), codes);
    const auto lower = hn::TableLookupBytes(hn::LoadDup128(bytes, kLower), codes);
    pairs[0] = hn::BitCast(Words(), hn::InterleaveLower(bytes, lower, upper));
    pairs[1] = hn::BitCast(Words(), hn::InterleaveUpper(bytes, lower, upper));
  }
#endif
};

template <class Codes>
HWY_INLINE Codes codes_of(const PackedTiles& weight) {
  if constexpr (Codes::kFormat == CodeFormat::indexed_bf16) {
    return Codes(weight);
  } else {
    (void)weight;
    return Codes();
  }
}

// Bytes of E8M0 to their powers of two: 0 is 2^-127 and 255 is NaN.
HWY_INLINE Part e8m0_part(const std::byte* from) {
  const hn::Rebind<std::uint8_t, Lanes> bytes;
  const auto exponents = hn::PromoteTo(Words(), hn::LoadU(bytes, reinterpret_cast<const std::uint8_t*>(from)));
  const auto least = hn::Set(Words(), 0x00400000U);
  const auto none = hn::Set(Words(), 0x7FC00000U);
  const auto power = hn::IfThenElse(hn::Eq(exponents, hn::Zero(Words())), least, hn::ShiftLeft<23>(exponents));
  return as_floats(hn::IfThenElse(hn::Eq(exponents, hn::Set(Words(), 255U)), none, power));
}

// The factors of a tile's sixteen outputs in one group of columns, times what the codes were lowered by.
HWY_INLINE void load_scales(const PackedTiles& weight, std::int64_t tile, std::int64_t group, float lift,
                            float* HWY_RESTRICT scales) {
  const std::int64_t index = (tile * weight.groups + group) * kTileOutputs;
  HWY_UNROLL(16)
  for (int part = 0; part < kParts; ++part) {
    const std::int64_t first = index + part * kLanes;
    const Part scale = weight.scale_format == ScaleFormat::e8m0
                           ? e8m0_part(weight.scales + first)
                           : load_part(reinterpret_cast<const float*>(weight.scales) + first);
    store_part(hn::Mul(scale, set_part(lift)), scales + part * kLanes);
  }
}

// The exponents of a tile's sixteen moderate factors in one group of columns.
HWY_INLINE hn::Vec<Words> moderate_exponents(const PackedTiles& weight, std::int64_t tile, std::int64_t group,
                                             int part) {
  const hn::Rebind<std::uint8_t, Lanes> bytes;
  const std::byte* from = weight.scales + (tile * weight.groups + group) * kTileOutputs + part * kLanes;
  return hn::PromoteTo(Words(), hn::LoadU(bytes, reinterpret_cast<const std::uint8_t*>(from)));
}

// 2^(exponent - 127)
HWY_INLINE Part power_of_exponent(hn::Vec<Words> exponent) { return as_floats(hn::ShiftLeft<23>(exponent)); }

// Scaled columns [first, last) of a tile as floats, sixteen of every kStep of the panel; `first` begins a block and the
// panel takes whole blocks.
template <class Codes, bool kScaled, int kStep>
HWY_INLINE void decode_columns(const PackedTiles& weight, std::int64_t tile, std::int64_t first, std::int64_t last,
                               float* HWY_RESTRICT panel) {
  HWY_ALIGN float scales[kTileOutputs];
  const Codes codes = codes_of<Codes>(weight);
  const std::byte* block = weight.block(tile, first);
  for (std::int64_t column = first; column < last;) {
    const std::int64_t group = column / weight.group_columns;
    const std::int64_t end = HWY_MIN(last, (group + 1) * weight.group_columns);
    Wide scale;
    if constexpr (kScaled) {
      load_scales(weight, tile, group, Codes::kLift, scales);
      scale = load_wide(scales);
    }
    for (; column < end; column += Codes::kColumns) {
      HWY_UNROLL(16)
      for (int part = 0; part < kParts; ++part) {
        Part values[Codes::kColumns];
        codes.decode(block, part, values);
        HWY_UNROLL(16)
        for (int step = 0; step < Codes::kColumns; ++step) {
          if constexpr (kScaled) values[step] = hn::Mul(values[step], scale.part[part]);
          store_part(values[step], panel + step * kStep + part * kLanes);
        }
      }
      block += block_bytes(Codes::kFormat);
      panel += Codes::kColumns * kStep;
    }
  }
}

// Columns of blocks that are held as bf16, anew.
template <int kStep>
HWY_NOINLINE void mend_columns(const PackedTiles& weight, std::int64_t tile, std::int64_t first, std::int64_t last,
                               float* HWY_RESTRICT panel) {
  for (const PlainBlock& block : weight.plain_blocks_of(tile)) {
    if (block.column < first || block.column >= last) continue;
    float* to = panel + (block.column - first) * kStep;
    for (int part = 0; part < kParts; ++part) {
      Part values[Bf16Codes::kColumns];
      Bf16Codes::decode(block.codes, part, values);
      for (int column = 0; column < Bf16Codes::kColumns; ++column)
        store_part(values[column], to + column * kStep + part * kLanes);
    }
  }
}

template <class Codes, int kStep = static_cast<int>(kTileOutputs)>
HWY_INLINE void decode_panel(const PackedTiles& weight, std::int64_t tile, std::int64_t first, std::int64_t last,
                             float* HWY_RESTRICT panel) {
  if (weight.scale_format != ScaleFormat::none)
    return decode_columns<Codes, true, kStep>(weight, tile, first, last, panel);
  decode_columns<Codes, false, kStep>(weight, tile, first, last, panel);
  if constexpr (Codes::kFormat == CodeFormat::indexed_bf16) mend_columns<kStep>(weight, tile, first, last, panel);
}

// Asks for the codes of a tile's columns [first, first + count): nothing else would while a panel is multiplied.
template <class Codes>
HWY_INLINE void prefetch_codes(const PackedTiles& weight, std::int64_t tile, std::int64_t first, std::int64_t count) {
  const std::byte* next = weight.block(tile, first);
  const std::byte* end = next + (count + Codes::kColumns - 1) / Codes::kColumns * block_bytes(Codes::kFormat);
  for (; next < end; next += 64) hwy::Prefetch(next);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
