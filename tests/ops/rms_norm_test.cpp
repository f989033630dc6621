#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

class RmsNormTest : public OperationTest {
 protected:
  Array<float> norm(Backend& with, const Array<float>& x, const Array<float>* weight, std::int64_t rows, float eps) {
    const std::int64_t dim = x.size() / rows;
    Array<float> out(x.size(), 3);
    with.rms_norm({.x = x.view<2>({rows, dim}),
                   .weight = weight == nullptr ? View<const float, 1>() : View<const float, 1>(weight->view<1>({dim})),
                   .eps = eps,
                   .out = out.view<2>({rows, dim})});
    return out;
  }
};

TEST_P(RmsNormTest, MeanSquareOneTimesTheWeight) {
  for (const std::int64_t dim : {1, 2, 15, 16, 17, 31, 64, 100, 513})
    for (const bool weighted : {false, true}) {
      constexpr std::int64_t kRows = 5;
      const Array<float> x = random.normals(kRows * dim, 3.0F);
      const Array<float> weight = random.normals(dim);
      std::vector<double> expected;
      for (std::int64_t row = 0; row < kRows; ++row) {
        double squares = 0.0;
        for (std::int64_t column = 0; column < dim; ++column) squares += std::pow(x[row * dim + column], 2.0);
        for (std::int64_t column = 0; column < dim; ++column)
          expected.push_back(static_cast<double>(x[row * dim + column]) /
                             std::sqrt(squares / static_cast<double>(dim) + 1e-3) *
                             (weighted ? static_cast<double>(weight[column]) : 1.0));
      }
      expect_close(norm(*backend, x, weighted ? &weight : nullptr, kRows, 1e-3F).span(), expected, kRmsNorm,
                   "dim " + std::to_string(dim));
    }
}

TEST_P(RmsNormTest, ZerosStayZeros) {
  const Array<float> x(40);
  const Array<float> out = norm(*backend, x, nullptr, 2, 1e-6F);
  for (const float value : out.span()) EXPECT_EQ(value, 0.0F);
}

TEST_P(RmsNormTest, InPlace) {
  const Array<float> x = random.normals(3 * 37);
  const Array<float> apart = norm(*backend, x, nullptr, 3, 1e-6F);
  backend->rms_norm({.x = x.view<2>({3, 37}), .weight = {}, .eps = 1e-6F, .out = x.view<2>({3, 37})});
  expect_same_bits(x, apart, "in place");
}

TEST_P(RmsNormTest, ARowDoesNotKnowItsCompany) {
  constexpr std::int64_t kRows = 300;
  constexpr std::int64_t kDim = 531;
  const Array<float> x = random.normals(kRows * kDim);
  const Array<float> weight = random.normals(kDim);
  const Array<float> all = norm(*backend, x, &weight, kRows, 1e-6F);
  expect_same_bits(norm(*other, x, &weight, kRows, 1e-6F), all, "other threads");
  for (const std::int64_t row : {0, 151, 299}) {
    const Array<float> one(kDim, 2);
    std::copy_n(x.data() + row * kDim, kDim, one.data());
    expect_same_bits(norm(*alone, one, &weight, 1, 1e-6F), all.span().subspan(row * kDim, kDim), "a row alone");
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, RmsNormTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
