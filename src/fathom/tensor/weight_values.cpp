#include "fathom/tensor/weight_values.h"

#include <cstring>

#include "fathom/base/error.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

template <typename T>
T read(std::span<const std::byte> bytes, std::int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
  return value;
}

std::int64_t blocks_of(std::int64_t size, std::int64_t block) { return (size + block - 1) / block; }

std::int64_t code_bytes(const WeightView& weight) {
  switch (weight.format) {
    case WeightFormat::f32: return weight.out * weight.in * 4;
    case WeightFormat::bf16: return weight.out * weight.in * 2;
    case WeightFormat::fp8_block: return weight.out * weight.in;
    case WeightFormat::fp4_group: return weight.out * (weight.in / 2);
  }
  return 0;
}

}  // namespace

std::int64_t scale_columns_of(const WeightView& weight) { return blocks_of(weight.in, weight.scale_columns); }

float weight_scale(const WeightView& weight, std::int64_t row, std::int64_t column) {
  if (weight.scale.empty()) return 1.0F;
  const std::int64_t index = row / weight.scale_rows * scale_columns_of(weight) + column / weight.scale_columns;
  return weight.scale_dtype == DType::f32 ? read<float>(weight.scale, index)
                                          : e8m0_to_float(read<std::uint8_t>(weight.scale, index));
}

float weight_value(const WeightView& weight, std::int64_t row, std::int64_t column) {
  const std::int64_t index = row * weight.in + column;
  switch (weight.format) {
    case WeightFormat::f32: return read<float>(weight.data, index);
    case WeightFormat::bf16: return bf16_to_float(read<std::uint16_t>(weight.data, index));
    case WeightFormat::fp8_block:
      return e4m3_to_float(read<std::uint8_t>(weight.data, index)) * weight_scale(weight, row, column);
    case WeightFormat::fp4_group: {
      const auto pair = read<std::uint8_t>(weight.data, row * (weight.in / 2) + column / 2);
      const auto code = static_cast<std::uint8_t>((column & 1) != 0 ? pair >> 4 : pair & 0xf);
      return e2m1_to_float(code) * weight_scale(weight, row, column);
    }
  }
  return 0.0F;
}

void read_weight_row(const WeightView& weight, std::int64_t row, std::span<float> values) {
  if (weight.format != WeightFormat::bf16) {
    for (std::int64_t column = 0; column < weight.in; ++column)
      values[static_cast<std::size_t>(column)] = weight_value(weight, row, column);
    return;
  }
  std::int64_t index = row * weight.in;
  for (float& value : values) value = bf16_to_float(read<std::uint16_t>(weight.data, index++));
}

void check_weight(const WeightView& weight) {
  check(weight.out >= 0 && weight.in >= 0, "a weight has rows and columns");
  check_equal(std::ssize(weight.data), code_bytes(weight), "bytes of a weight");
  if (weight.format == WeightFormat::fp4_group) check_equal(weight.in % 2, 0, "columns of an FP4 weight, modulo 2");
  if (weight.format == WeightFormat::f32 || weight.format == WeightFormat::bf16 || weight.scale.empty()) return;
  check(weight.scale_rows > 0 && weight.scale_columns > 0, "a weight's scale blocks have a size");
  check(weight.scale_dtype == DType::f32 || weight.scale_dtype == DType::f8_e8m0,
        "a weight's scales are F32 or F8_E8M0");
  check_equal(std::ssize(weight.scale),
              blocks_of(weight.out, weight.scale_rows) * scale_columns_of(weight) * byte_size(weight.scale_dtype),
              "bytes of a weight's scales");
}

}  // namespace fathom
