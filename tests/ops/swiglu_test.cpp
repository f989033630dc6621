#include "tests/ops/op_support.h"

namespace fathom::op_test {
namespace {

class SwigluTest : public OperationTest {
 protected:
  float one(float gate, float up, float limit, float weight) {
    const Array<float> gates(1);
    const Array<float> ups(1);
    const Array<float> weights(1);
    const Array<float> out(1);
    gates[0] = gate;
    ups[0] = up;
    weights[0] = weight;
    backend->swiglu({.gate = gates.view<2>({1, 1}),
                     .up = ups.view<2>({1, 1}),
                     .limit = limit,
                     .weight = weights.view<1>({1}),
                     .out = out.view<2>({1, 1})});
    return out[0];
  }
  static double silu(double x) { return x / (1.0 + std::exp(-x)); }
};

// The gate is clamped from above alone, up from both sides.
TEST_P(SwigluTest, TheClampOfTheGateIsOneSided) {
  EXPECT_NEAR(one(50.0F, 1.0F, 10.0F, 1.0F), silu(10.0), 1e-5);
  EXPECT_NEAR(one(-12.0F, 1.0F, 10.0F, 1.0F), silu(-12.0), 1e-10);
  EXPECT_NE(one(-12.0F, 1.0F, 10.0F, 1.0F), one(-10.0F, 1.0F, 10.0F, 1.0F));
  EXPECT_NEAR(one(1.0F, 50.0F, 10.0F, 1.0F), silu(1.0) * 10.0, 1e-5);
  EXPECT_NEAR(one(1.0F, -50.0F, 10.0F, 1.0F), silu(1.0) * -10.0, 1e-5);
  EXPECT_NEAR(one(50.0F, 50.0F, 0.0F, 1.0F), silu(50.0) * 50.0, 1e-3);  // limit 0: no clamp
  EXPECT_NEAR(one(1.0F, 1.0F, 10.0F, 0.25F), silu(1.0) * 0.25, 1e-7);
}

TEST_P(SwigluTest, ExtremesAndNan) {
  EXPECT_EQ(one(-1000.0F, 1.0F, 10.0F, 1.0F), 0.0F);
  EXPECT_EQ(one(1000.0F, 1.0F, 0.0F, 1.0F), 1000.0F);
  EXPECT_TRUE(std::isnan(one(std::nanf(""), 1.0F, 10.0F, 1.0F)));
  EXPECT_TRUE(std::isnan(one(1.0F, std::nanf(""), 10.0F, 1.0F)));
}

TEST_P(SwigluTest, AgainstTheFormula) {
  for (const std::int64_t dim : {1, 5, 16, 33, 200}) {
    constexpr std::int64_t kRows = 4;
    const Array<float> gate = random.normals(kRows * dim, 8.0F);
    const Array<float> up = random.normals(kRows * dim, 8.0F);
    const Array<float> weight = random.normals(kRows);
    for (const bool weighted : {false, true}) {
      std::vector<double> expected;
      for (std::int64_t index = 0; index < kRows * dim; ++index)
        expected.push_back(silu(std::min(static_cast<double>(gate[index]), 10.0)) *
                           std::clamp(static_cast<double>(up[index]), -10.0, 10.0) *
                           (weighted ? static_cast<double>(weight[index / dim]) : 1.0));
      const Array<float> out(kRows * dim, 3);
      const View<const float, 1> weights =
          weighted ? View<const float, 1>(weight.view<1>({kRows})) : View<const float, 1>();
      backend->swiglu({.gate = gate.view<2>({kRows, dim}),
                       .up = up.view<2>({kRows, dim}),
                       .limit = 10.0F,
                       .weight = weights,
                       .out = out.view<2>({kRows, dim})});
      expect_close(out.span(), expected, kSwiglu, "dim " + std::to_string(dim));
    }
  }
}

// The same number in every lane and in every tail: also the proof that all lanes use one exponential.
TEST_P(SwigluTest, AnElementDoesNotKnowItsColumnOrItsRow) {
  constexpr std::int64_t kRows = 100;
  constexpr std::int64_t kDim = 203;
  const Array<float> gate(kRows * kDim);
  const Array<float> up(kRows * kDim);
  for (std::int64_t index = 0; index < kRows * kDim; ++index) {
    gate[index] = static_cast<float>(index % 7) - 3.3F;
    up[index] = 1.7F;
  }
  const auto run = [&](Backend& with) {
    Array<float> out(kRows * kDim);
    with.swiglu({.gate = gate.view<2>({kRows, kDim}),
                 .up = up.view<2>({kRows, kDim}),
                 .limit = 10.0F,
                 .weight = {},
                 .out = out.view<2>({kRows, kDim})});
    return out;
  };
  const Array<float> all = run(*backend);
  expect_same_bits(run(*other), all, "other threads");
  for (std::int64_t index = 0; index < kRows * kDim; ++index) ASSERT_EQ(all[index], all[index % 7]);
}

INSTANTIATE_TEST_SUITE_P(Backends, SwigluTest, every_backend(), backend_name);

}  // namespace
}  // namespace fathom::op_test
