#include "tests/ops/weight_support.h"

namespace fathom::op_test {
namespace {

class GroupedLinearTest : public OperationTest {};

TEST_P(GroupedLinearTest, EveryGroupHasItsRowsAndItsColumns) {
  const std::array<std::int64_t, 3> sizes[] = {{1, 5, 6}, {2, 16, 32}, {3, 7, 20}, {3, 24, 34}, {4, 65, 66}};
  for (const auto& [groups, latent, in] : sizes)
    for (const WeightShape& shape : weight_shapes(groups * latent, in)) {
      const TestWeight weight(shape, random);
      const auto prepared = backend->prepare(weight.view());
      for (const std::int64_t tokens : {1, 3, 20}) {
        const Array<float> x = random.normals(tokens * groups * in);
        const Array<float> out(tokens * groups * latent);
        backend->grouped_linear(
            {.weight = *prepared, .x = x.view<3>({tokens, groups, in}), .out = out.view<3>({tokens, groups, latent})});
        std::vector<double> expected;
        std::vector<double> magnitude;
        for (std::int64_t token = 0; token < tokens; ++token)
          for (std::int64_t row = 0; row < groups * latent; ++row) {
            double sum = 0.0;
            double size = 0.0;
            for (std::int64_t column = 0; column < in; ++column) {
              const double term = static_cast<double>(weight.at(row, column)) *
                                  static_cast<double>(x[(token * groups + row / latent) * in + column]);
              sum += term;
              size += std::fabs(term);
            }
            expected.push_back(sum);
            magnitude.push_back(size);
          }
        expect_close(out.span(), expected, magnitude, kLinear, shape.name());
      }
    }
}

TEST_P(GroupedLinearTest, ATokenDoesNotKnowItsCompany) {
  constexpr std::int64_t kGroups = 3;
  constexpr std::int64_t kLatent = 41;
  constexpr std::int64_t kIn = 300;
  constexpr std::int64_t kTokens = 50;
  for (const WeightShape& shape : weight_shapes(kGroups * kLatent, kIn)) {
    const TestWeight weight(shape, random);
    const Array<float> x = random.normals(kTokens * kGroups * kIn);
    const auto run = [&](Backend& with, const float* from, std::int64_t tokens) {
      const auto prepared = with.prepare(weight.view());
      Array<float> out(tokens * kGroups * kLatent);
      with.grouped_linear({.weight = *prepared,
                           .x = View<const float, 3>(from, {tokens, kGroups, kIn}),
                           .out = out.view<3>({tokens, kGroups, kLatent})});
      return out;
    };
    const Array<float> all = run(*backend, x.data(), kTokens);
    expect_same_bits(run(*other, x.data(), kTokens), all, shape.name());
    for (const std::int64_t token : {0, 17, 49})
      expect_same_bits(run(*alone, x.data() + token * kGroups * kIn, 1),
                       all.span().subspan(token * kGroups * kLatent, kGroups * kLatent), shape.name());
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, GroupedLinearTest, every_multiplier(), backend_name);

}  // namespace
}  // namespace fathom::op_test
