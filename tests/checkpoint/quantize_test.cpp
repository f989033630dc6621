#include "fathom/checkpoint/quantize.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fathom/base/error.h"
#include "fathom/checkpoint/random_values.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

std::vector<float> normal_rows(std::int64_t count) {
  RandomValues random(5, "rows");
  std::vector<float> rows(static_cast<std::size_t>(count));
  for (float& value : rows) value = random.normal();
  return rows;
}

float scale_at(const QuantizedRows& rows, std::int64_t index) {
  return e8m0_to_float(std::to_integer<std::uint8_t>(rows.scales[static_cast<std::size_t>(index)]));
}

TEST(Quantize, Fp8KeepsThreeBitsOfMantissa) {
  constexpr std::int64_t kRows = 130;
  constexpr std::int64_t kColumns = 257;
  const std::vector<float> rows = normal_rows(kRows * kColumns);
  const QuantizedRows stored = quantize_rows(rows, kColumns, Storage::fp8_block);
  ASSERT_EQ(stored.values.size(), rows.size());
  ASSERT_EQ(stored.scales.size(), 2U * 3U);
  for (std::int64_t row = 0; row < kRows; ++row)
    for (std::int64_t column = 0; column < kColumns; ++column) {
      const auto index = static_cast<std::size_t>(row * kColumns + column);
      const float scale = scale_at(stored, row / 128 * 3 + column / 128);
      const float found = scale * e4m3_to_float(std::to_integer<std::uint8_t>(stored.values[index]));
      ASSERT_LE(std::fabs(found - rows[index]), std::fabs(rows[index]) / 16.0F + scale * 0x1p-10F);
    }
}

// The smallest power of two that brings the largest value into range.
TEST(Quantize, ScalesAreTight) {
  EXPECT_EQ(scale_at(quantize_rows(std::vector<float>{448.0F}, 1, Storage::fp8_block), 0), 1.0F);
  EXPECT_EQ(scale_at(quantize_rows(std::vector<float>{449.0F}, 1, Storage::fp8_block), 0), 2.0F);
  EXPECT_EQ(scale_at(quantize_rows(std::vector<float>{-6.0F, 0.0F}, 2, Storage::fp4_group), 0), 1.0F);
  EXPECT_EQ(scale_at(quantize_rows(std::vector<float>{6.1F, 0.0F}, 2, Storage::fp4_group), 0), 2.0F);
  EXPECT_EQ(scale_at(quantize_rows(std::vector<float>{0.0F, 0.0F}, 2, Storage::fp4_group), 0), 1.0F);
}

TEST(Quantize, Fp4PacksTheEvenColumnLow) {
  const QuantizedRows stored = quantize_rows(std::vector<float>{1.0F, -6.0F}, 2, Storage::fp4_group);
  ASSERT_EQ(stored.values.size(), 1U);
  EXPECT_EQ(std::to_integer<int>(stored.values[0]), 0xf2);
}

TEST(Quantize, Fp4GroupsAreRowsOfThirtyTwo) {
  const std::vector<float> rows = normal_rows(3 * 80);
  const QuantizedRows stored = quantize_rows(rows, 80, Storage::fp4_group);
  EXPECT_EQ(stored.values.size(), 120U);
  ASSERT_EQ(stored.scales.size(), 9U);
  for (std::size_t index = 0; index < rows.size(); ++index) {
    const auto row = static_cast<std::int64_t>(index) / 80;
    const auto column = static_cast<std::int64_t>(index) % 80;
    const auto byte = std::to_integer<std::uint8_t>(stored.values[index / 2]);
    const float scale = scale_at(stored, row * 3 + column / 32);
    const float found = scale * e2m1_to_float(static_cast<std::uint8_t>(index % 2 == 0 ? byte & 15 : byte >> 4));
    ASSERT_LE(std::fabs(found - rows[index]), scale);
  }
}

TEST(Quantize, PlainStoragesHaveNoScales) {
  const std::vector<float> rows = {1.0F, -2.5F};
  EXPECT_EQ(quantize_rows(rows, 2, Storage::f32).values.size(), 8U);
  const QuantizedRows half = quantize_rows(rows, 2, Storage::bf16);
  EXPECT_EQ(half.values.size(), 4U);
  EXPECT_EQ(std::to_integer<int>(half.values[1]), 0x3f);
  EXPECT_TRUE(half.scales.empty());
  EXPECT_THROW(quantize_rows(rows, 2, Storage::i64), InternalError);
  EXPECT_THROW(quantize_rows(rows, 1, Storage::fp4_group), InternalError);
}

}  // namespace
}  // namespace fathom
