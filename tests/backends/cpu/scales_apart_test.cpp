// Note [Scales apart] of kernels/packed_tiles.h: a few rows give the bits of one plain chain of x times (code times
// scale), inside its bounds, on them and beyond.
#include "fathom/tensor/weight_values.h"
#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

constexpr std::int64_t kOut = 90;  // whole tiles in fours, twos and one, and a partial one
constexpr std::int64_t kIn = 266;  // chunks of 128 and 32 columns, and a partial block

struct Bounds {
  const char* name;
  int least_scale;
  int most_scale;
  int least_x;  // binary exponents
  int most_x;
};

constexpr Bounds kBounds[] = {
    {"inside", -20, -5, -8, 8},
    {"the whole range", -32, 7, -50, 27},
    {"least of everything", -32, -31, -50, -49},
    {"small sums in large units", -32, 7, -50, -48},
    {"most of everything", 6, 7, 26, 27},
    {"x beyond", -32, 7, -120, 60},
    {"scales beyond", -126, 7, -50, 27},
    {"subnormal products", -100, -90, -45, -20},
};

class ScalesApartTest : public ::testing::TestWithParam<const char*> {
 private:
  TargetScope target_{GetParam()};

 protected:
  CpuBackend backend{CpuOptions{.threads = 1}};
  Random random{7};
};

TEST_P(ScalesApartTest, BitsOfThePlainChain) {
  for (const Bounds& bounds : kBounds)
    for (const bool fp4 : {false, true}) {
      const std::int64_t scale_columns = fp4 ? 32 : 128;
      const std::int64_t groups = (kIn + scale_columns - 1) / scale_columns;
      std::vector<std::byte> codes;
      for (std::int64_t index = 0; index < (fp4 ? kOut * kIn / 2 : kOut * kIn); ++index) {
        const std::byte code = random.byte();
        codes.push_back(!fp4 && (code & std::byte{0x7f}) == std::byte{0x7f} ? std::byte{1} : code);
      }
      std::vector<std::byte> scales;
      for (std::int64_t index = 0; index < kOut * groups; ++index)
        scales.push_back(std::byte(
            static_cast<std::uint8_t>(127 + std::lround(random.uniform(bounds.least_scale, bounds.most_scale)))));
      const WeightView weight = {.format = fp4 ? WeightFormat::fp4_group : WeightFormat::fp8_block,
                                 .out = kOut,
                                 .in = kIn,
                                 .data = codes,
                                 .scale = scales,
                                 .scale_rows = 1,
                                 .scale_columns = scale_columns};
      const auto prepared = backend.prepare(weight);
      for (std::int64_t rows = 1; rows <= 9; ++rows) {
        const Array<float> x(rows * kIn);
        for (float& value : x.span()) {
          const auto exponent = static_cast<int>(std::lround(random.uniform(bounds.least_x, bounds.most_x)));
          value = std::ldexp(static_cast<float>(random.uniform(1.0, 2.0)), exponent);
          if (random.uniform(0.0, 1.0) < 0.5) value = -value;
          if (random.uniform(0.0, 1.0) < 0.1) value = 0.0F * value;
        }
        const Array<float> out(rows * kOut);
        backend.linear({.weight = *prepared, .x = x.view<2>({rows, kIn}), .out = out.view<2>({rows, kOut})});
        const Array<float> expected(rows * kOut);
        for (std::int64_t row = 0; row < rows; ++row)
          for (std::int64_t output = 0; output < kOut; ++output) {
            float sum = 0.0F;
            for (std::int64_t column = 0; column < kIn; ++column)
              sum = sum + x[row * kIn + column] * weight_value(weight, output, column);
            expected[row * kOut + output] = sum;
          }
        expect_same_bits(out, expected, std::string(bounds.name) + (fp4 ? ", fp4" : ", fp8"));
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, ScalesApartTest, ::testing::ValuesIn(and_narrower_targets({"cpu_1"})), backend_name);

}  // namespace
}  // namespace fathom::op_test
