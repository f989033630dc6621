#include "fathom/trainer/sinkhorn.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using testing::expect_gradients;
using testing::normal;
using testing::probe;

// The definition, in operations that torch differentiates by itself.
torch::Tensor plain_sinkhorn(const torch::Tensor& logits, std::int64_t iterations, double eps) {
  torch::Tensor comb = logits.softmax(2) + eps;
  comb = comb / (comb.sum(1, true) + eps);
  for (std::int64_t iteration = 1; iteration < iterations; ++iteration) {
    comb = comb / (comb.sum(2, true) + eps);
    comb = comb / (comb.sum(1, true) + eps);
  }
  return comb;
}

TEST(TrainerSinkhorn, EqualsItsDefinitionWithGradients) {
  for (const std::int64_t iterations : {1, 2, 20})
    for (const double eps : {1e-6, 1e-2}) {
      const torch::Tensor logits = (normal({9, 4, 4}, 1).detach() * 2).requires_grad_(true);
      const torch::Tensor found = sinkhorn(logits, iterations, eps);
      const torch::Tensor expected = plain_sinkhorn(logits, iterations, eps);
      EXPECT_TRUE(found.allclose(expected, 1e-12, 1e-12));
      const auto ours = torch::autograd::grad({probe(found)}, {logits})[0];
      const auto theirs = torch::autograd::grad({probe(expected)}, {logits})[0];
      EXPECT_TRUE(ours.allclose(theirs, 1e-9, 1e-12)) << (ours - theirs).abs().max();
    }
}

TEST(TrainerSinkhorn, FiniteDifferences) {
  const torch::Tensor logits = normal({5, 3, 3}, 2);
  expect_gradients([&] { return probe(sinkhorn(logits, 20, 1e-6)); }, {logits});
}

TEST(TrainerSinkhorn, RowsAndColumnsSumToOne) {
  const torch::Tensor comb = sinkhorn(normal({7, 4, 4}, 3).detach(), 20, 1e-6);
  EXPECT_LT((comb.sum(1) - 1).abs().max().item<double>(), 1e-5);
  EXPECT_LT((comb.sum(2) - 1).abs().max().item<double>(), 1e-2);
}

}  // namespace
}  // namespace fathom::train
