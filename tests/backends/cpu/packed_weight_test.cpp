#include "fathom/backends/cpu/packed_weight.h"

#include <cmath>

#include "fathom/tensor/weight_values.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

class PackedWeightTest : public ::testing::TestWithParam<const char*> {
 private:
  TargetScope target_{GetParam()};

 protected:
  Array<float> multiply(const WeightView& weight, const Array<float>& x, std::int64_t rows) {
    const auto prepared = backend.prepare(weight);
    Array<float> out(rows * weight.out);
    backend.linear({.weight = *prepared,
                    .x = View<const float, 2>(x.data(), {rows, weight.in}),
                    .out = out.view<2>({rows, weight.out})});
    return out;
  }

  CpuBackend backend{CpuOptions{.threads = 1}};
  ThreadPool pool{1};
};

constexpr std::int64_t kNever = std::int64_t{1} << 60;  // bytes of a weight in twelve bits a value

// What a column of ones shows of a weight's only column that is not zero.
float shown(float value) { return 0.0F + 1.0F * value; }

// Row r holds code r in `column` and zeros elsewhere; a single row and three rows take different kernels.
TEST_P(PackedWeightTest, EveryE4m3CodeUnderEveryScale) {
  for (int scale = 0; scale < 256; ++scale)
    for (std::int64_t column = 0; column < 6; ++column) {
      std::vector<std::byte> codes(256 * 6);
      std::vector<std::byte> scales = {std::byte(static_cast<std::uint8_t>(scale))};
      const bool with_nan = column == 5;  // NaN codes send the whole weight another way
      for (int code = 0; code < 256; ++code)
        codes[code * 6 + column] = std::byte(static_cast<std::uint8_t>(!with_nan && (code & 127) == 127 ? 0 : code));
      const WeightView weight = {.format = WeightFormat::fp8_block,
                                 .out = 256,
                                 .in = 6,
                                 .data = codes,
                                 .scale = scales,
                                 .scale_rows = 256,
                                 .scale_columns = 128};
      const Array<float> ones(3 * 6);
      for (float& value : ones.span()) value = 1.0F;
      for (const std::int64_t rows : {1, 3}) {
        const Array<float> out = multiply(weight, ones, rows);
        for (std::int64_t row = 0; row < 256; ++row) {
          const double code = slow_e4m3(static_cast<std::uint8_t>(codes[row * 6 + column]));
          const float expected = shown(static_cast<float>(code * slow_e8m0(static_cast<std::uint8_t>(scale))));
          const float found = out[(rows - 1) * 256 + row];
          ASSERT_TRUE(std::isnan(expected) ? std::isnan(found) : found == expected)
              << "code " << row << " scale " << scale << ": found " << found << ", expected " << expected;
        }
      }
    }
}

TEST_P(PackedWeightTest, EveryE2m1CodeUnderEveryScaleInEveryColumn) {
  for (int scale = 0; scale < 256; ++scale)
    for (std::int64_t column = 0; column < 10; ++column) {
      std::vector<std::byte> codes(16 * 5);
      std::vector<std::byte> scales(16, std::byte(static_cast<std::uint8_t>(scale)));
      for (int code = 0; code < 16; ++code)
        codes[code * 5 + column / 2] = std::byte(static_cast<std::uint8_t>(column % 2 == 0 ? code : code << 4));
      const WeightView weight = {.format = WeightFormat::fp4_group,
                                 .out = 16,
                                 .in = 10,
                                 .data = codes,
                                 .scale = scales,
                                 .scale_rows = 1,
                                 .scale_columns = 32};
      const Array<float> ones(3 * 10);
      for (float& value : ones.span()) value = 1.0F;
      for (const std::int64_t rows : {1, 3}) {
        const Array<float> out = multiply(weight, ones, rows);
        for (std::int64_t row = 0; row < 16; ++row) {
          const double value = slow_e2m1(static_cast<std::uint8_t>(row)) * slow_e8m0(static_cast<std::uint8_t>(scale));
          const float expected = shown(static_cast<float>(value));
          const float found = out[(rows - 1) * 16 + row];
          ASSERT_TRUE(std::isnan(expected) ? std::isnan(found) : found == expected)
              << "code " << row << " scale " << scale << " column " << column << ": found " << found;
        }
      }
    }
}

// Float scales: one rounding of code times scale, small, large and absurd scales alike.
TEST_P(PackedWeightTest, EveryE4m3CodeUnderFloatScales) {
  for (const float scale : {0.0F, -0.0F, 1e-45F, 1e-38F, 0.0123456F, -0.3F, 127.9F, 128.0F, 300.0F, 1e38F, HUGE_VALF}) {
    std::vector<std::byte> codes(256);
    for (int code = 0; code < 256; ++code)
      codes[code] = std::byte(static_cast<std::uint8_t>((code & 127) == 127 ? 1 : code));
    std::vector<std::byte> scales(4);
    std::memcpy(scales.data(), &scale, 4);
    const WeightView weight = {.format = WeightFormat::fp8_block,
                               .out = 256,
                               .in = 1,
                               .data = codes,
                               .scale = scales,
                               .scale_dtype = DType::f32,
                               .scale_rows = 256,
                               .scale_columns = 128};
    const Array<float> ones(3);
    for (float& value : ones.span()) value = 1.0F;
    for (const std::int64_t rows : {1, 3}) {
      const Array<float> out = multiply(weight, ones, rows);
      for (std::int64_t row = 0; row < 256; ++row) {
        const float code = static_cast<float>(slow_e4m3(static_cast<std::uint8_t>(codes[row])));
        const float expected = shown(code * scale);
        const float found = out[(rows - 1) * 256 + row];
        ASSERT_TRUE(std::isnan(expected) ? std::isnan(found) : found == expected)
            << "code " << row << " scale " << scale;
      }
    }
  }
}

TEST_P(PackedWeightTest, EveryBf16) {
  std::vector<std::byte> codes(65536 * 2);
  for (std::uint32_t code = 0; code < 65536; ++code) {
    const auto bits = static_cast<std::uint16_t>(code);
    std::memcpy(codes.data() + code * 2, &bits, 2);
  }
  const WeightView weight = {.format = WeightFormat::bf16, .out = 65536, .in = 1, .data = codes, .scale = {}};
  const Array<float> ones(3);
  for (float& value : ones.span()) value = 1.0F;
  for (const std::int64_t rows : {1, 3}) {
    const Array<float> out = multiply(weight, ones, rows);
    for (std::int64_t row = 0; row < 65536; ++row) {
      const float expected = shown(static_cast<float>(slow_bf16(static_cast<std::uint16_t>(row))));
      ASSERT_TRUE(std::isnan(expected) ? std::isnan(out[row]) : out[row] == expected) << row;
    }
  }
}

// A weight keeps its precision, and what the kernels cannot read is kept as float32.
TEST_P(PackedWeightTest, ReleasedWeightsKeepTheirPrecision) {
  Random random(9);
  const auto format_of = [&](const WeightShape& shape) {
    const TestWeight weight(shape, random);
    return PackedWeight(weight.view(), pool, host_allocator(), kNever).tiles().code_format;
  };
  EXPECT_EQ(format_of({WeightFormat::f32, 20, 30}), CodeFormat::f32);
  EXPECT_EQ(format_of({WeightFormat::bf16, 20, 30}), CodeFormat::bf16);
  EXPECT_EQ(format_of({WeightFormat::fp8_block, 200, 300, 128, 128}), CodeFormat::fp8);
  EXPECT_EQ(format_of({WeightFormat::fp8_block, 200, 300, 128, 128, DType::f32}), CodeFormat::fp8);
  EXPECT_EQ(format_of({WeightFormat::fp8_block, 20, 30, 3, 7}), CodeFormat::f32);
  EXPECT_EQ(format_of({WeightFormat::fp4_group, 20, 64, 1, 32}), CodeFormat::fp4);
  EXPECT_EQ(format_of({WeightFormat::fp4_group, 20, 60, 1, 6}), CodeFormat::f32);

  const TestWeight large({WeightFormat::fp4_group, 512, 512, 1, 32}, random);
  EXPECT_EQ(PackedWeight(large.view(), pool, host_allocator(), kNever).bytes(), 512 * 512 / 2 + 512 * 512 / 32);
}

TEST_P(PackedWeightTest, WithoutScalesCodesAreTheValues) {
  std::vector<std::byte> codes = {std::byte{0x38}, std::byte{0xc0}};  // 1, -2
  const WeightView weight = {.format = WeightFormat::fp8_block, .out = 2, .in = 1, .data = codes, .scale = {}};
  const Array<float> three(1);
  three[0] = 3.0F;
  const Array<float> out = multiply(weight, three, 1);
  EXPECT_EQ(out[0], 3.0F);
  EXPECT_EQ(out[1], -6.0F);
}

TEST_P(PackedWeightTest, SizesAreChecked) {
  std::vector<std::byte> bytes(100);
  const auto fault = [&](const WeightView& weight) { return fault_of([&] { backend.prepare(weight); }); };
  expect_names(fault({.format = WeightFormat::bf16, .out = 7, .in = 7, .data = bytes, .scale = {}}), {"100", "98"});
  expect_names(fault({.format = WeightFormat::fp4_group, .out = 20, .in = 11, .data = bytes, .scale = {}}), {"1", "0"});
  expect_names(fault({.format = WeightFormat::fp8_block,
                      .out = 10,
                      .in = 10,
                      .data = bytes,
                      .scale = std::span(bytes).first(3),
                      .scale_rows = 4,
                      .scale_columns = 8}),
               {"3", "6"});
  expect_names(fault({.format = WeightFormat::fp8_block,
                      .out = 10,
                      .in = 10,
                      .data = bytes,
                      .scale = std::span(bytes).first(3),
                      .scale_dtype = DType::bf16,
                      .scale_rows = 10,
                      .scale_columns = 4}),
               {"F32"});
}

TEST_P(PackedWeightTest, AWeightOfAnotherKindIsOurFault) {
  std::vector<std::byte> bytes(64);
  const WeightView weight = {.format = WeightFormat::f32, .out = 4, .in = 4, .data = bytes, .scale = {}};
  const auto table = backend.prepare_table(weight);
  const auto product = backend.prepare(weight);
  const Array<float> x(4);
  const Array<float> out(4);
  const std::vector<std::int32_t> ids = {1};
  expect_names(fault_of([&] {
                 backend.linear({.weight = *table, .x = x.view<2>({1, 4}), .out = out.view<2>({1, 4})});
               }),
               {"cpu backend"});
  expect_names(fault_of([&] {
                 backend.embed({.table = *product, .ids = ids, .streams = out.view<3>({1, 1, 4})});
               }),
               {"cpu backend"});
}

TEST_P(PackedWeightTest, EmptyWeights) {
  const WeightView no_columns = {.format = WeightFormat::bf16, .out = 20, .in = 0, .data = {}, .scale = {}};
  const Array<float> nothing(0);
  for (const std::int64_t rows : {1, 3}) {
    const Array<float> out = multiply(no_columns, nothing, rows);
    for (const float value : out.span()) EXPECT_EQ(value, 0.0F);
  }
  const WeightView no_rows = {.format = WeightFormat::bf16, .out = 0, .in = 20, .data = {}, .scale = {}};
  const Array<float> x(20);
  EXPECT_EQ(multiply(no_rows, x, 1).size(), 0);
}

INSTANTIATE_TEST_SUITE_P(Targets, PackedWeightTest, ::testing::ValuesIn(and_narrower_targets({"cpu_1"})), backend_name);

// weight_value is what the packed forms are held to: one rounding of code times scale.
TEST(Dequantize, EveryFormatByElement) {
  Random random(10);
  for (const WeightShape& shape : weight_shapes(21, 34)) {
    const TestWeight weight(shape, random);
    for (std::int64_t row = 0; row < shape.out; ++row)
      for (std::int64_t column = 0; column < shape.in; ++column)
        ASSERT_EQ(weight_value(weight.view(), row, column), weight.at(row, column)) << shape.name();
  }
}

}  // namespace
}  // namespace fathom::op_test
