#include "fathom/ops/cache_format.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fathom/base/error.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

constexpr float kE4m3AmaxFloor = 1e-4F;  // as the released kernels floor it
constexpr float kE2m1AmaxFloor = 6.0F * 0x1p-126F;

float largest_magnitude(std::span<const float> values) {
  float largest = 0.0F;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest;
}

void check_row(std::int64_t values, std::int64_t expected_values, std::int64_t bytes, std::int64_t expected_bytes) {
  check_equal(values, expected_values, "values of a cached row");
  check_equal(bytes, expected_bytes, "bytes of a cached row");
}

}  // namespace

std::int64_t EntryFormat::row_bytes() const {
  if (storage == CacheStorage::float32) return head_dim * 4;
  return (nope_dim() + 2 * rope_dim + scale_groups() + 7) / 8 * 8;
}

std::int64_t IndexKeyFormat::row_bytes() const {
  return storage == CacheStorage::float32 ? index_dim * 4 : index_dim / 2 + scale_groups();
}

void encode_entry(const EntryFormat& format, std::span<const float> values, std::span<std::byte> row) {
  check_row(std::ssize(values), format.head_dim, std::ssize(row), format.row_bytes());
  if (format.storage == CacheStorage::float32) {
    std::memcpy(row.data(), values.data(), row.size());
    return;
  }
  const std::int64_t nope = format.nope_dim();
  std::byte* scales = row.data() + nope + 2 * format.rope_dim;
  for (std::int64_t group = 0; group < format.scale_groups(); ++group) {
    const std::int64_t first = group * kNopeScaleGroup;
    const std::int64_t count = std::min(kNopeScaleGroup, nope - first);
    const float amax = std::max(largest_magnitude(values.subspan(first, count)), kE4m3AmaxFloor);
    const std::uint8_t exponent = ceil_to_e8m0(amax * (1.0F / kE4m3Max));
    const float scale = e8m0_to_float(exponent);
    scales[group] = std::byte{exponent};
    for (std::int64_t column = first; column < first + count; ++column)
      row[column] = std::byte{float_to_e4m3(values[column] / scale)};
  }
  for (std::int64_t column = 0; column < format.rope_dim; ++column) {
    const std::uint16_t bits = float_to_bf16(values[nope + column]);
    std::memcpy(row.data() + nope + 2 * column, &bits, 2);
  }
}

void decode_entry(const EntryFormat& format, std::span<const std::byte> row, std::span<float> values) {
  check_row(std::ssize(values), format.head_dim, std::ssize(row), format.row_bytes());
  if (format.storage == CacheStorage::float32) {
    std::memcpy(values.data(), row.data(), row.size());
    return;
  }
  const std::int64_t nope = format.nope_dim();
  const std::byte* scales = row.data() + nope + 2 * format.rope_dim;
  for (std::int64_t column = 0; column < nope; ++column) {
    const float scale = e8m0_to_float(static_cast<std::uint8_t>(scales[column / kNopeScaleGroup]));
    values[column] = e4m3_to_float(static_cast<std::uint8_t>(row[column])) * scale;
  }
  for (std::int64_t column = 0; column < format.rope_dim; ++column) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, row.data() + nope + 2 * column, 2);
    values[nope + column] = bf16_to_float(bits);
  }
}

void encode_index_key(const IndexKeyFormat& format, std::span<const float> values, std::span<std::byte> row) {
  check_row(std::ssize(values), format.index_dim, std::ssize(row), format.row_bytes());
  if (format.storage == CacheStorage::float32) {
    std::memcpy(row.data(), values.data(), row.size());
    return;
  }
  std::byte* scales = row.data() + format.index_dim / 2;
  for (std::int64_t group = 0; group < format.scale_groups(); ++group) {
    const std::int64_t first = group * kIndexScaleGroup;
    const std::int64_t count = std::min(kIndexScaleGroup, format.index_dim - first);
    const float amax = std::max(largest_magnitude(values.subspan(first, count)), kE2m1AmaxFloor);
    const std::uint8_t exponent = ceil_to_e8m0(amax * (1.0F / kE2m1Max));
    const float scale = e8m0_to_float(exponent);
    scales[group] = std::byte{exponent};
    for (std::int64_t column = first; column < first + count; column += 2) {
      const std::uint8_t low = float_to_e2m1(values[column] / scale);
      const std::uint8_t high = float_to_e2m1(values[column + 1] / scale);
      row[column / 2] = std::byte{static_cast<std::uint8_t>(low | (high << 4))};
    }
  }
}

void decode_index_key(const IndexKeyFormat& format, std::span<const std::byte> row, std::span<float> values) {
  check_row(std::ssize(values), format.index_dim, std::ssize(row), format.row_bytes());
  if (format.storage == CacheStorage::float32) {
    std::memcpy(values.data(), row.data(), row.size());
    return;
  }
  const std::byte* scales = row.data() + format.index_dim / 2;
  for (std::int64_t column = 0; column < format.index_dim; ++column) {
    const auto pair = static_cast<std::uint8_t>(row[column / 2]);
    const auto code = static_cast<std::uint8_t>((column & 1) != 0 ? pair >> 4 : pair & 0xf);
    values[column] = e2m1_to_float(code) * e8m0_to_float(static_cast<std::uint8_t>(scales[column / kIndexScaleGroup]));
  }
}

}  // namespace fathom
