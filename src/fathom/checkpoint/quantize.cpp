#include "fathom/checkpoint/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fathom/base/error.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

constexpr std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

// An all-zero block takes the scale 1, so that no reader meets a denormal for nothing.
std::uint8_t scale_code(float largest, float range) {
  return largest == 0.0F ? std::uint8_t{127} : ceil_to_e8m0(largest / range);
}

// Largest magnitude of each block, as scale codes: [ceil(count / block_rows), ceil(columns / block_columns)].
std::vector<std::uint8_t> scale_codes(std::span<const float> rows, std::int64_t columns, std::int64_t block_rows,
                                      std::int64_t block_columns, float range) {
  const std::int64_t count = static_cast<std::int64_t>(rows.size()) / columns;
  const std::int64_t blocks = divide_up(columns, block_columns);
  std::vector<float> largest(static_cast<std::size_t>(divide_up(count, block_rows) * blocks), 0.0F);
  for (std::int64_t row = 0; row < count; ++row)
    for (std::int64_t column = 0; column < columns; ++column) {
      float& block = largest[static_cast<std::size_t>(row / block_rows * blocks + column / block_columns)];
      block = std::max(block, std::fabs(rows[static_cast<std::size_t>(row * columns + column)]));
    }
  std::vector<std::uint8_t> codes;
  codes.reserve(largest.size());
  for (const float value : largest) codes.push_back(scale_code(value, range));
  return codes;
}

std::vector<std::byte> as_byte_vector(const std::vector<std::uint8_t>& codes) {
  std::vector<std::byte> bytes;
  bytes.reserve(codes.size());
  for (const std::uint8_t code : codes) bytes.push_back(std::byte{code});
  return bytes;
}

QuantizedRows to_fp8(std::span<const float> rows, std::int64_t columns) {
  const std::vector<std::uint8_t> scales = scale_codes(rows, columns, kFp8Block, kFp8Block, kE4m3Max);
  const std::int64_t blocks = divide_up(columns, kFp8Block);
  QuantizedRows result;
  result.values.reserve(rows.size());
  for (std::size_t index = 0; index < rows.size(); ++index) {
    const std::int64_t row = static_cast<std::int64_t>(index) / columns;
    const std::int64_t column = static_cast<std::int64_t>(index) % columns;
    const float scale = e8m0_to_float(scales[static_cast<std::size_t>(row / kFp8Block * blocks + column / kFp8Block)]);
    result.values.push_back(std::byte{float_to_e4m3(rows[index] / scale)});
  }
  result.scales = as_byte_vector(scales);
  return result;
}

QuantizedRows to_fp4(std::span<const float> rows, std::int64_t columns) {
  check_equal(columns % 2, std::int64_t{0}, "columns of a packed FP4 weight, modulo 2");
  const std::vector<std::uint8_t> scales = scale_codes(rows, columns, 1, kFp4Group, kE2m1Max);
  const std::int64_t groups = divide_up(columns, kFp4Group);
  QuantizedRows result;
  result.values.reserve(rows.size() / 2);
  for (std::size_t index = 0; index < rows.size(); index += 2) {
    const std::int64_t row = static_cast<std::int64_t>(index) / columns;
    const std::int64_t column = static_cast<std::int64_t>(index) % columns;
    const float scale = e8m0_to_float(scales[static_cast<std::size_t>(row * groups + column / kFp4Group)]);
    const unsigned even = float_to_e2m1(rows[index] / scale);
    const unsigned odd = float_to_e2m1(rows[index + 1] / scale);
    result.values.push_back(static_cast<std::byte>(even | (odd << 4)));
  }
  result.scales = as_byte_vector(scales);
  return result;
}

}  // namespace

QuantizedRows quantize_rows(std::span<const float> rows, std::int64_t columns, Storage storage) {
  QuantizedRows result;
  switch (storage) {
    case Storage::f32: {
      const auto bytes = std::as_bytes(rows);
      result.values.assign(bytes.begin(), bytes.end());
      return result;
    }
    case Storage::bf16:
      result.values.resize(rows.size() * sizeof(std::uint16_t));
      for (std::size_t index = 0; index < rows.size(); ++index) {
        const std::uint16_t bits = float_to_bf16(rows[index]);
        std::memcpy(result.values.data() + index * sizeof(bits), &bits, sizeof(bits));
      }
      return result;
    case Storage::fp8_block: return to_fp8(rows, columns);
    case Storage::fp4_group: return to_fp4(rows, columns);
    case Storage::i64:
    case Storage::i32: break;
  }
  throw InternalError("[checkpoint] {} holds no floats", name_of(storage));
}

}  // namespace fathom
