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

}  // namespace
}  // namespace fathom::train
