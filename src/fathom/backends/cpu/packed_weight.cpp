#include "fathom/backends/cpu/packed_weight.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fathom/backends/cpu/kernels/pack_fp4.h"
#include "fathom/tensor/numbers.h"
#include "fathom/tensor/weight_values.h"

namespace fathom {
namespace {

// 0x7f and 0xff, looked for eight codes at a time: only they carry into the top bit.
bool holds_e4m3_nan(std::span<const std::byte> codes) {
  constexpr std::uint64_t kLow = 0x7f7f7f7f7f7f7f7fU;
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  std::uint64_t found = 0;
  for (std::size_t index = 0; index < codes.size(); index += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, codes.data() + index, std::min<std::size_t>(8, codes.size() - index));
    found |= (eight & kLow) + kOnes;
  }
  return (found & ~kLow) != 0;
}

// Whether a product with 2^120 keeps every scale finite, if it was.
bool scales_may_rise(const WeightView& weight) {
  constexpr std::uint8_t kLargestByte = 134;  // 2^7
  constexpr float kLargest = 0x1p7F;
  if (weight.scale_dtype == DType::f8_e8m0)
    return std::all_of(weight.scale.begin(), weight.scale.end(),
                       [](std::byte scale) { return static_cast<std::uint8_t>(scale) <= kLargestByte; });
  for (std::size_t index = 0; index < weight.scale.size(); index += 4) {
    float scale = 0.0F;
    std::memcpy(&scale, weight.scale.data() + index, 4);
    if (!(std::fabs(scale) <= kLargest)) return false;
  }
  return true;
}

CodeFormat code_format_of(const WeightView& weight) {
  const bool cut = !weight.scale.empty() && weight.scale_columns < weight.in;
  switch (weight.format) {
    case WeightFormat::f32: return CodeFormat::f32;
    case WeightFormat::bf16: return CodeFormat::bf16;
    case WeightFormat::fp8_block:
      if (cut && weight.scale_columns % block_columns(CodeFormat::fp8) != 0) return CodeFormat::f32;
      return !holds_e4m3_nan(weight.data) && scales_may_rise(weight) ? CodeFormat::fp8 : CodeFormat::f32;
    case WeightFormat::fp4_group:
      return cut && weight.scale_columns % block_columns(CodeFormat::fp4) != 0 ? CodeFormat::f32 : CodeFormat::fp4;
  }
  return CodeFormat::f32;
}

// One tile of elements of `Element` bytes: [block][output][column in block], the sources being plain rows.
template <std::int64_t kElementBytes>
void pack_plain_tile(const WeightView& weight, std::int64_t tile, std::byte* to) {
  constexpr std::int64_t kColumns = 4 / kElementBytes;  // a block gives an output four bytes
  const std::int64_t first = tile * kTileOutputs;
  const std::int64_t last = std::min(weight.out, first + kTileOutputs);
  for (std::int64_t row = first; row < last; ++row) {
    const std::byte* from = weight.data.data() + row * weight.in * kElementBytes;
    std::byte* block = to + (row - first) * 4;
    for (std::int64_t column = 0; column < weight.in; column += kColumns, block += kBlockBytes) {
      const std::int64_t count = std::min(kColumns, weight.in - column);
      std::memcpy(block, from + column * kElementBytes, static_cast<std::size_t>(count * kElementBytes));
    }
  }
}

void pack_values_tile(const WeightView& weight, std::int64_t tile, std::byte* to) {
  const std::int64_t first = tile * kTileOutputs;
  const std::int64_t last = std::min(weight.out, first + kTileOutputs);
  for (std::int64_t row = first; row < last; ++row)
    for (std::int64_t column = 0; column < weight.in; ++column) {
      const float value = weight_value(weight, row, column);
      std::memcpy(to + column * kBlockBytes + (row - first) * 4, &value, sizeof(float));
    }
}

void pack_nibble_tile(const WeightView& weight, std::int64_t tile, std::byte* to) {
  const std::int64_t first = tile * kTileOutputs;
  const std::int64_t outputs = std::min(kTileOutputs, weight.out - first);
  const std::byte* rows[kTileOutputs] = {};
  for (std::int64_t output = 0; output < outputs; ++output)
    rows[output] = weight.data.data() + (first + output) * (weight.in / 2);
  pack_fp4_tile(rows, outputs, weight.in, to);
}

}  // namespace

PackedWeight::PackedWeight(const WeightView& weight, ThreadPool& pool) : PreparedWeight(weight.out, weight.in) {
  check_weight(weight);
  tiles_.out = weight.out;
  tiles_.in = weight.in;
  tiles_.code_format = code_format_of(weight);
  tiles_.group_columns = std::max<std::int64_t>(weight.in, 1);
  tiles_.groups = 1;
  pack_codes(weight, pool);
  if (tiles_.code_format == CodeFormat::fp8 || tiles_.code_format == CodeFormat::fp4) pack_scales(weight);
}

void PackedWeight::pack_codes(const WeightView& weight, ThreadPool& pool) {
  codes_ = Memory(host_allocator(), tiles_.tiles() * tiles_.tile_bytes());
  tiles_.codes = codes_.data();
  const bool values = tiles_.code_format == CodeFormat::f32 && weight.format != WeightFormat::f32;
  pool.parallel_for(tiles_.tiles(), 4, [&](std::int64_t first, std::int64_t last, std::int64_t /*worker*/) {
    for (std::int64_t tile = first; tile < last; ++tile) {
      std::byte* to = codes_.data() + tile * tiles_.tile_bytes();
      if (values) {
        pack_values_tile(weight, tile, to);
        continue;
      }
      switch (tiles_.code_format) {
        case CodeFormat::f32: pack_plain_tile<4>(weight, tile, to); break;
        case CodeFormat::bf16: pack_plain_tile<2>(weight, tile, to); break;
        case CodeFormat::fp8: pack_plain_tile<1>(weight, tile, to); break;
        case CodeFormat::fp4: pack_nibble_tile(weight, tile, to); break;
      }
    }
  });
}

void PackedWeight::pack_scales(const WeightView& weight) {
  constexpr std::byte kOne{127};  // 2^0
  const bool floats = !weight.scale.empty() && weight.scale_dtype == DType::f32;
  tiles_.scale_format = floats ? ScaleFormat::f32 : ScaleFormat::e8m0;
  if (!weight.scale.empty()) {
    tiles_.group_columns = weight.scale_columns;
    tiles_.groups = scale_columns_of(weight);
  }
  const std::int64_t size = floats ? 4 : 1;
  scales_ = Memory(host_allocator(), tiles_.tiles() * tiles_.groups * kTileOutputs * size);
  tiles_.scales = scales_.data();
  const auto is_moderate = [](std::byte scale) {
    const int exponent = std::to_integer<int>(scale) - 127;
    return exponent >= kLeastModerateScale && exponent <= kMostModerateScale;
  };
  tiles_.moderate_scales = !floats && std::all_of(weight.scale.begin(), weight.scale.end(), is_moderate);
  if (weight.scale.empty()) {
    std::fill_n(scales_.data(), scales_.bytes(), kOne);
    return;
  }
  for (std::int64_t row = 0; row < weight.out; ++row)
    for (std::int64_t group = 0; group < tiles_.groups; ++group) {
      const std::int64_t from = row / weight.scale_rows * tiles_.groups + group;
      const std::int64_t to = (row / kTileOutputs * tiles_.groups + group) * kTileOutputs + row % kTileOutputs;
      std::memcpy(scales_.data() + to * size, weight.scale.data() + from * size, static_cast<std::size_t>(size));
    }
}

const PackedTiles& packed(const PreparedWeight& weight) {
  const auto* ours = dynamic_cast<const PackedWeight*>(&weight);
  check(ours != nullptr, "a weight of a linear product was prepared for products by the cpu backend");
  return ours->tiles();
}

}  // namespace fathom
