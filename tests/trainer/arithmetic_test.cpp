#include "fathom/trainer/arithmetic.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using testing::expect_gradients;
using testing::normal;
using testing::probe;

TEST(TrainerArithmetic, RmsNormIsItsFormula) {
  const torch::Tensor x = normal({5, 12}, 1);
  const torch::Tensor weight = normal({12}, 2);
  const torch::Tensor expected = x / (x.square().mean(-1, true) + 1e-3).sqrt();
  EXPECT_TRUE(rms_norm(x, torch::Tensor(), 1e-3).allclose(expected, 1e-12, 1e-12));
  EXPECT_TRUE(rms_norm(x, weight, 1e-3).allclose(expected * weight, 1e-12, 1e-12));
}

TEST(TrainerArithmetic, RmsNormGradients) {
  const torch::Tensor x = normal({3, 4, 12}, 1);
  const torch::Tensor weight = normal({12}, 2);
  expect_gradients([&] { return probe(rms_norm(x, weight, 1e-3)); }, {x, weight});
  expect_gradients([&] { return probe(rms_norm(x, torch::Tensor(), 1e-3)); }, {x});
}

// bfloat16 rows are normed in float32 and rounded once.
TEST(TrainerArithmetic, NarrowRowsAreNormedWide) {
  const torch::Tensor x = normal({7, 64}, 3).detach().to(torch::kBFloat16);
  const torch::Tensor weight = normal({64}, 4).detach().to(torch::kFloat32);
  const torch::Tensor found = rms_norm(x, weight, 1e-6);
  EXPECT_EQ(found.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(found.equal(rms_norm(x.to(torch::kFloat32), weight, 1e-6).to(torch::kBFloat16)));
}

TEST(TrainerArithmetic, WideAndMixedProducts) {
  const torch::Tensor left = normal({5, 7}, 1).detach();
  const torch::Tensor right = normal({7, 3}, 2).detach();
  EXPECT_TRUE(wide_product(left, right).allclose(torch::mm(left, right), 1e-12, 1e-12));
  const torch::Tensor narrow = left.to(torch::kBFloat16);
  const torch::Tensor found = mixed_product(narrow, right.to(torch::kFloat32));
  EXPECT_EQ(found.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(found.allclose(torch::mm(narrow.to(torch::kFloat32), right.to(torch::kFloat32)), 1e-4, 1e-4));
  EXPECT_EQ(wide_product(narrow, right.to(torch::kBFloat16)).scalar_type(), torch::kFloat32);
}

}  // namespace
}  // namespace fathom::train
