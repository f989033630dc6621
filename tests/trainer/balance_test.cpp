#include "fathom/trainer/balance.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

TEST(Balance, BusyExpertsBecomeLessLikely) {
  const Parameters parameters = Parameters::random(testing::tiny_config(), 1, torch::kCPU);
  Balance balance(parameters);
  torch::Tensor loads = torch::full({5, 6}, 10, torch::kInt64);  // 4 layers and an MTP block
  loads[1][2] = 16;
  loads[1][3] = 4;
  loads[4][0] = 22;
  loads[0][0] = 99;  // routed by hash: has no bias
  balance.update(loads, 0.001);
  balance.update(loads, 0.001);
  const torch::Tensor first = parameters.at("layers.1.ffn.gate.bias");
  EXPECT_TRUE(torch::allclose(first, torch::tensor({0.0F, 0.0F, -0.002F, 0.002F, 0.0F, 0.0F})));
  const torch::Tensor mtp = parameters.at("mtp.0.ffn.gate.bias");
  EXPECT_TRUE(torch::allclose(mtp, torch::tensor({-0.002F, 0.002F, 0.002F, 0.002F, 0.002F, 0.002F})));
  EXPECT_EQ(parameters.at("layers.2.ffn.gate.bias").abs().max().item<float>(), 0.0F);
  // Mean over the four layers that score of most / mean: 16 / 10, 1, 1, 22 / 12.
  EXPECT_NEAR(balance.imbalance(loads).item<double>(), (1.6 + 1.0 + 1.0 + 22.0 / 12.0) / 4.0, 1e-9);
  balance.update(loads, 0.0);
  EXPECT_TRUE(torch::allclose(first, torch::tensor({0.0F, 0.0F, -0.002F, 0.002F, 0.0F, 0.0F})));
}

}  // namespace
}  // namespace fathom::train
