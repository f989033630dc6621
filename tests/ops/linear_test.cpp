#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

class LinearTest : public OperationTest {
 protected:
  Array<float> multiply(Backend& with, const PreparedWeight& weight, const Array<float>& x, std::int64_t rows) {
    Array<float> out(rows * weight.out);
    with.linear({.weight = weight, .x = x.view<2>({rows, weight.in}), .out = out.view<2>({rows, weight.out})});
    return out;
  }

  void check_against_doubles(const TestWeight& weight, std::int64_t rows) {
    const auto prepared = backend->prepare(weight.view());
    const std::int64_t in = weight.shape().in;
    const Array<float> x = random.normals(rows * in);
    const Array<float> out = multiply(*backend, *prepared, x, rows);
    std::vector<double> expected;
    std::vector<double> magnitude;
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t output = 0; output < weight.shape().out; ++output) {
        double sum = 0.0;
        double size = 0.0;
        for (std::int64_t column = 0; column < in; ++column) {
          const double term =
              static_cast<double>(weight.at(output, column)) * static_cast<double>(x[row * in + column]);
          sum += term;
          size += std::fabs(term);
        }
        expected.push_back(sum);
        magnitude.push_back(size);
      }
    expect_close(out.span(), expected, magnitude, kLinear,
                 weight.shape().name() + " times " + std::to_string(rows) + " rows");
  }
};

TEST_P(LinearTest, EveryFormatAtOddSizes) {
  const std::pair<std::int64_t, std::int64_t> sizes[] = {{1, 1},    {1, 7},     {3, 2},   {7, 5},   {15, 9},
                                                         {16, 16},  {17, 33},   {31, 64}, {64, 96}, {65, 257},
                                                         {79, 130}, {130, 300}, {200, 31}};
  for (const auto& [out, in] : sizes)
    for (const WeightShape& shape : weight_shapes(out, in)) {
      const TestWeight weight(shape, random);
      for (const std::int64_t rows : {1, 2, 7}) check_against_doubles(weight, rows);
    }
}

TEST_P(LinearTest, ManyRows) {
  for (const WeightShape& shape : weight_shapes(37, 70)) {
    const TestWeight weight(shape, random);
    for (const std::int64_t rows : {6, 13, 191, 192, 193, 400}) check_against_doubles(weight, rows);
  }
}

TEST_P(LinearTest, DepthBeyondOnePanel) {
  for (const WeightShape& shape : weight_shapes(33, 700)) {
    const TestWeight weight(shape, random);
    for (const std::int64_t rows : {1, 5}) check_against_doubles(weight, rows);
  }
}

// The promise itself: a row's bits do not know its company, and no thread count changes them.
TEST_P(LinearTest, ARowDoesNotKnowItsCompany) {
  for (const WeightShape& shape : weight_shapes(150, 610)) {
    const TestWeight weight(shape, random);
    constexpr std::int64_t kRows = 211;
    const std::int64_t in = shape.in;
    const Array<float> x = random.normals(kRows * in);
    const auto prepared = backend->prepare(weight.view());
    const auto prepared_other = other->prepare(weight.view());
    const auto prepared_alone = alone->prepare(weight.view());
    const Array<float> all = multiply(*backend, *prepared, x, kRows);
    expect_same_bits(multiply(*other, *prepared_other, x, kRows), all, shape.name() + ", other threads");
    for (const std::int64_t row : {0, 1, 100, 191, 192, 210}) {
      Array<float> one(in, 2);
      std::copy_n(x.data() + row * in, in, one.data());
      const Array<float> out = multiply(*alone, *prepared_alone, one, 1);
      expect_same_bits(out, all.span().subspan(row * shape.out, shape.out), shape.name() + ", a row alone");
    }
    Array<float> some(7 * in);
    std::copy_n(x.data() + 150 * in, 7 * in, some.data());
    expect_same_bits(multiply(*alone, *prepared_alone, some, 7), all.span().subspan(150 * shape.out, 7 * shape.out),
                     shape.name() + ", seven rows alone");
  }
}

TEST_P(LinearTest, NoRowsAreNoWork) {
  const TestWeight weight({WeightFormat::bf16, 20, 10}, random);
  const auto prepared = backend->prepare(weight.view());
  EXPECT_NO_THROW(backend->linear(
      {.weight = *prepared, .x = View<const float, 2>(nullptr, {0, 10}), .out = View<float, 2>(nullptr, {0, 20})}));
}

// A code, its block's scale, and a sign of zero: out = fma(1, w, 0) whatever column and output they stand at.
TEST_P(LinearTest, TheLowNibbleIsTheEvenColumn) {
  TestWeight weight({WeightFormat::fp4_group, 1, 4, 1, 32}, random);
  weight.data() = {std::byte{0x72}, std::byte{0x0f}};  // 1, 6, -6, 0
  weight.scale() = {std::byte{128}};                   // 2: a power of two, and not 128
  const auto prepared = backend->prepare(weight.view());
  const Array<float> x(4);
  const float expected[] = {2.0F, 12.0F, -12.0F, 0.0F};
  for (std::int64_t column = 0; column < 4; ++column) {
    for (float& value : x.span()) value = 0.0F;
    x[column] = 1.0F;
    EXPECT_EQ(multiply(*backend, *prepared, x, 1)[0], expected[column]) << "column " << column;
  }
}

TEST_P(LinearTest, InfinityAndNanArriveWhereTheyBelong) {
  for (const WeightShape& shape : weight_shapes(20, 24)) {
    const TestWeight weight(shape, random);
    const auto prepared = backend->prepare(weight.view());
    Array<float> x = random.normals(3 * shape.in);
    x[shape.in + 5] = std::nanf("");
    const Array<float> out = multiply(*backend, *prepared, x, 3);
    for (std::int64_t output = 0; output < 20; ++output) {
      EXPECT_TRUE(std::isfinite(out[output])) << shape.name();
      EXPECT_TRUE(std::isnan(out[20 + output])) << shape.name();
      EXPECT_TRUE(std::isfinite(out[40 + output])) << shape.name();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, LinearTest, every_multiplier(), backend_name);

}  // namespace
}  // namespace fathom::op_test
