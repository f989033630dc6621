#include "fathom/trainer/newton_schulz.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <tuple>

#include "fathom/base/error.h"

namespace fathom::train {
namespace {

struct Shape {
  std::int64_t out;
  std::int64_t in;
};

// U diag(values) V^T with U and V from a seeded normal matrix, and U V^T.
std::pair<torch::Tensor, torch::Tensor> with_singular_values(Shape shape, const torch::Tensor& values) {
  const auto [u, s, v] = torch::linalg_svd(torch::randn({shape.out, shape.in}, torch::kFloat64), false);
  return {torch::matmul(u * values, v), torch::matmul(u, v)};
}

double spectral_norm(const torch::Tensor& matrix) {
  return torch::linalg_svdvals(matrix.to(torch::kFloat64)).max().item<double>();
}

TEST(NewtonSchulz, NearTheOrthogonalFactorWhenWellConditioned) {
  torch::manual_seed(1);
  for (const Shape shape : {Shape{4, 4}, Shape{32, 32}, Shape{16, 64}, Shape{64, 16}, Shape{3, 200}, Shape{129, 65}}) {
    const std::int64_t least = std::min(shape.out, shape.in);
    for (const double condition : {1.0, 10.0, 100.0}) {
      const torch::Tensor values = torch::logspace(0.0, -std::log10(condition), least, 10.0, torch::kFloat64);
      const auto [matrix, factor] = with_singular_values(shape, values);
      const torch::Tensor found = orthogonalize(matrix.to(torch::kFloat32).unsqueeze(0)).squeeze(0);
      EXPECT_LT(spectral_norm(found - factor), 1e-2) << shape.out << " x " << shape.in << ", condition " << condition;
    }
  }
}

// What the published coefficients can do: a singular value of 1e-4 of the Frobenius norm still arrives; the least of a
// square normal matrix may not, and every one that is above it does.
TEST(NewtonSchulz, SingularValuesAboveTheBoundArriveAtOne) {
  torch::manual_seed(2);
  for (const Shape shape : {Shape{64, 64}, Shape{128, 128}, Shape{64, 256}, Shape{300, 100}}) {
    const torch::Tensor matrix = torch::randn({shape.out, shape.in}, torch::kFloat64);
    const auto [u, s, v] = torch::linalg_svd(matrix, false);
    const torch::Tensor found = orthogonalize(matrix.to(torch::kFloat32).unsqueeze(0)).squeeze(0).to(torch::kFloat64);
    // The polynomial is odd: it moves singular values alone, along the same singular vectors.
    const torch::Tensor moved = torch::matmul(torch::matmul(u.t(), found), v.t()).diagonal();
    EXPECT_LT(spectral_norm(found - torch::matmul(u * moved, v)), 1e-3);
    const torch::Tensor bound = s / matrix.norm() > 1e-4;
    EXPECT_LT((moved.masked_select(bound) - 1.0).abs().max().item<double>(), 1e-2);
    EXPECT_GT(moved.min().item<double>(), 0.0);
    EXPECT_LT(moved.max().item<double>(), 1.01);
  }
}

TEST(NewtonSchulz, SmallestValuesGrowByThePublishedFactor) {
  torch::manual_seed(3);
  torch::Tensor values = torch::ones({8}, torch::kFloat64);
  values[7] = 1e-9;
  const auto [matrix, factor] = with_singular_values({8, 8}, values);
  const torch::Tensor found = orthogonalize(matrix.unsqueeze(0)).squeeze(0);
  const double least = torch::linalg_svdvals(found).min().item<double>();
  const double expected = 1e-9 / std::sqrt(7.0) * std::pow(3.4445, 8) * 4.0;
  EXPECT_NEAR(least / expected, 1.0, 1e-3);
}

TEST(NewtonSchulz, TransposesAndBatchesAgree) {
  torch::manual_seed(4);
  const torch::Tensor matrices = torch::randn({5, 12, 30}, torch::kFloat64);
  const torch::Tensor all = orthogonalize(matrices);
  EXPECT_TRUE(torch::allclose(all, orthogonalize(matrices.transpose(1, 2)).transpose(1, 2), 1e-10, 1e-12));
  for (std::int64_t place = 0; place < 5; ++place)
    EXPECT_TRUE(torch::allclose(all[place], orthogonalize(matrices[place].unsqueeze(0))[0], 1e-10, 1e-12));
}

TEST(NewtonSchulz, ScaleIsForgottenAndZerosStay) {
  torch::manual_seed(5);
  const torch::Tensor matrix = torch::randn({1, 6, 9});
  EXPECT_TRUE(torch::allclose(orthogonalize(matrix), orthogonalize(matrix * 1e-8), 1e-4, 1e-5));
  EXPECT_EQ(orthogonalize(torch::zeros({2, 6, 9})).abs().max().item<float>(), 0.0F);
  EXPECT_THROW(orthogonalize(torch::zeros({6, 9})), InternalError);
}

}  // namespace
}  // namespace fathom::train
