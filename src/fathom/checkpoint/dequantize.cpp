#include "fathom/checkpoint/dequantize.h"

#include <cstring>

#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

template <typename T>
T read(std::span<const std::byte> bytes, std::int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

float scale_at(const WeightView& weight, std::int64_t row, std::int64_t column) {
  const std::int64_t columns = (weight.in + weight.scale_columns - 1) / weight.scale_columns;
  const std::int64_t index = row / weight.scale_rows * columns + column / weight.scale_columns;
  return weight.scale_dtype == DType::f32 ? read<float>(weight.scale, index)
                                          : e8m0_to_float(read<std::uint8_t>(weight.scale, index));
}

float value_at(const WeightView& weight, std::int64_t row, std::int64_t column) {
  const std::int64_t index = row * weight.in + column;
  switch (weight.format) {
    case WeightFormat::f32: return read<float>(weight.data, index);
    case WeightFormat::bf16: return bf16_to_float(read<std::uint16_t>(weight.data, index));
    case WeightFormat::fp8_block:
      return e4m3_to_float(read<std::uint8_t>(weight.data, index)) * scale_at(weight, row, column);
    case WeightFormat::fp4_group: {
      const auto pair = read<std::uint8_t>(weight.data, index / 2);
      const auto code = static_cast<std::uint8_t>(column % 2 != 0 ? pair >> 4 : pair & 0xf);
      return e2m1_to_float(code) * scale_at(weight, row, column);
    }
  }
  return 0.0F;
}

}  // namespace

std::vector<float> dequantize(const WeightView& weight) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(weight.out * weight.in));
  for (std::int64_t row = 0; row < weight.out; ++row)
    for (std::int64_t column = 0; column < weight.in; ++column) values.push_back(value_at(weight, row, column));
  return values;
}

}  // namespace fathom
