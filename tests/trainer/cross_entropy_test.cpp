#include "fathom/trainer/cross_entropy.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

TEST(TrainerCrossEntropy, IsItsFormulaWithGradients) {
  const torch::Tensor x = normal({6, 5}, 1);
  const torch::Tensor weight = normal({7, 5}, 2);
  const torch::Tensor targets = torch::tensor({3, -1, 0, 6, -1, 3});
  torch::Tensor expected = torch::zeros({}, torch::kFloat64);
  for (const std::int64_t token : {0, 2, 3, 5})
    expected = expected - torch::mv(weight, x[token]).log_softmax(0)[targets[token].item<std::int64_t>()];
  EXPECT_NEAR(cross_entropy_sum(x, weight, targets).item<double>(), expected.item<double>(), 1e-12);
  expect_gradients([&] { return cross_entropy_sum(x, weight, targets) * 0.3; }, {x, weight});
}

// More logits than are alive at a time.
TEST(TrainerCrossEntropy, ChunksAddUp) {
  const torch::Tensor x = normal({1100, 3}, 1);
  const torch::Tensor weight = normal({4000, 3}, 2);
  const torch::Tensor targets = torch::arange(1100) * 3 - 1;
  const torch::Tensor expected = -torch::mm(x, weight.t())
                                      .log_softmax(1)
                                      .gather(1, targets.clamp_min(0).unsqueeze(1))
                                      .flatten()
                                      .narrow(0, 1, 1099)
                                      .sum();
  const torch::Tensor found = cross_entropy_sum(x, weight, targets);
  EXPECT_NEAR(found.item<double>(), expected.item<double>(), 1e-7);
  const auto ours = torch::autograd::grad({found}, {x, weight});
  const auto theirs = torch::autograd::grad({expected}, {x, weight});
  EXPECT_TRUE(ours[0].allclose(theirs[0], 1e-9, 1e-10));
  EXPECT_TRUE(ours[1].allclose(theirs[1], 1e-9, 1e-10));
}

}  // namespace
}  // namespace fathom::train
