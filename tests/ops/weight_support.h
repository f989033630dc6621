// Weights in every released format with their values in double precision, decoded here by arithmetic and not by the
// code under test.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "fathom/tensor/weight.h"
#include "tests/ops/op_support.h"

namespace fathom::op_test {

inline double slow_e4m3(std::uint8_t code) {
  const int exponent = code >> 3 & 15;
  const int mantissa = code & 7;
  if (exponent == 15 && mantissa == 7) return std::nan("");
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}

inline double slow_e2m1(std::uint8_t code) {
  const int exponent = code >> 1 & 3;
  const int mantissa = code & 1;
  const double magnitude = exponent == 0 ? mantissa * 0.5 : std::ldexp(2 + mantissa, exponent - 2);
  return (code & 8) != 0 ? -magnitude : magnitude;
}

inline double slow_e8m0(std::uint8_t code) { return code == 255 ? std::nan("") : std::ldexp(1.0, code - 127); }

inline double slow_bf16(std::uint16_t bits) {
  const int exponent = bits >> 7 & 255;
  const int mantissa = bits & 127;
  if (exponent == 255) return mantissa != 0 ? std::nan("") : (bits >> 15 != 0 ? -HUGE_VAL : HUGE_VAL);
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -133) : std::ldexp(128 + mantissa, exponent - 134);
  return bits >> 15 != 0 ? -magnitude : magnitude;
}

struct WeightShape {
  WeightFormat format;
  std::int64_t out;
  std::int64_t in;
  std::int64_t scale_rows = 1;
  std::int64_t scale_columns = 1;
  DType scale_dtype = DType::f8_e8m0;

  std::string name() const {
    static constexpr const char* kNames[] = {"f32", "bf16", "fp8", "fp4"};
    return std::string(kNames[static_cast<int>(format)]) + " [" + std::to_string(out) + ", " + std::to_string(in) +
           "] scale " + std::to_string(scale_rows) + "x" + std::to_string(scale_columns) + " " +
           std::string(name_of(scale_dtype));
  }
};

class TestWeight {
 public:
  TestWeight(const WeightShape& shape, Random& random) : shape_(shape) {
    const std::int64_t size = shape.out * shape.in;
    const std::int64_t blocks = (shape.out + shape.scale_rows - 1) / shape.scale_rows * scale_columns();
    switch (shape.format) {
      case WeightFormat::f32:
        for (std::int64_t index = 0; index < size; ++index) append(data_, random.normal());
        return;
      case WeightFormat::bf16:
        for (std::int64_t index = 0; index < size; ++index)
          append(data_, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(random.normal()) >> 16));
        return;
      case WeightFormat::fp8_block:
        for (std::int64_t index = 0; index < size; ++index) {
          const std::byte code = random.byte();
          data_.push_back((code & std::byte{0x7f}) == std::byte{0x7f} ? std::byte{0x81} : code);
        }
        break;
      case WeightFormat::fp4_group:
        for (std::int64_t index = 0; index < size / 2; ++index) data_.push_back(random.byte());
        break;
    }
    for (std::int64_t block = 0; block < blocks; ++block) {
      if (shape.scale_dtype == DType::f32)
        append(scale_, static_cast<float>(random.uniform(0.001, 0.1)));
      else
        scale_.push_back(std::byte(static_cast<std::uint8_t>(115 + random.below(10))));
    }
  }

  const WeightShape& shape() const { return shape_; }
  std::vector<std::byte>& data() { return data_; }
  std::vector<std::byte>& scale() { return scale_; }
  WeightView view() const {
    return {.format = shape_.format,
            .out = shape_.out,
            .in = shape_.in,
            .data = data_,
            .scale = scale_,
            .scale_dtype = shape_.scale_dtype,
            .scale_rows = shape_.scale_rows,
            .scale_columns = shape_.scale_columns};
  }

  // The value as float32: code times scale, rounded once.
  float at(std::int64_t row, std::int64_t column) const {
    const std::int64_t index = row * shape_.in + column;
    switch (shape_.format) {
      case WeightFormat::f32: return read<float>(data_, index);
      case WeightFormat::bf16: return static_cast<float>(slow_bf16(read<std::uint16_t>(data_, index)));
      case WeightFormat::fp8_block:
        return static_cast<float>(slow_e4m3(read<std::uint8_t>(data_, index)) * scale_at(row, column));
      case WeightFormat::fp4_group: {
        // The low nibble is the even column.
        const auto pair = read<std::uint8_t>(data_, (row * shape_.in + column) / 2);
        const auto code = static_cast<std::uint8_t>(column % 2 == 0 ? pair & 15 : pair >> 4);
        return static_cast<float>(slow_e2m1(code) * scale_at(row, column));
      }
    }
    return 0.0F;
  }

 private:
  template <typename T>
  static void append(std::vector<std::byte>& bytes, T value) {
    const auto* first = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), first, first + sizeof(T));
  }
  template <typename T>
  static T read(const std::vector<std::byte>& bytes, std::int64_t index) {
    T value;
    std::memcpy(&value, bytes.data() + index * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  std::int64_t scale_columns() const { return (shape_.in + shape_.scale_columns - 1) / shape_.scale_columns; }
  double scale_at(std::int64_t row, std::int64_t column) const {
    const std::int64_t index = row / shape_.scale_rows * scale_columns() + column / shape_.scale_columns;
    if (shape_.scale_dtype == DType::f32) return static_cast<double>(read<float>(scale_, index));
    return slow_e8m0(read<std::uint8_t>(scale_, index));  // a power of two, not the integer in the byte
  }

  WeightShape shape_;
  std::vector<std::byte> data_;
  std::vector<std::byte> scale_;
};

// Released blocks, Base checkpoints' float scales, partial edge blocks, and blocks that no kernel likes.
inline std::vector<WeightShape> weight_shapes(std::int64_t out, std::int64_t in) {
  const std::int64_t even = in + in % 2;
  return {{WeightFormat::f32, out, in},
          {WeightFormat::bf16, out, in},
          {WeightFormat::fp8_block, out, in, 128, 128},
          {WeightFormat::fp8_block, out, in, 128, 128, DType::f32},
          {WeightFormat::fp8_block, out, in, 5, 12},
          {WeightFormat::fp8_block, out, in, 3, 7, DType::f32},
          {WeightFormat::fp4_group, out, even, 1, 32},
          {WeightFormat::fp4_group, out, even, 1, 32, DType::f32},
          {WeightFormat::fp4_group, out, even, 2, 6}};
}

}  // namespace fathom::op_test
