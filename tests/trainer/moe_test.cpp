#include "fathom/trainer/moe.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

TEST(TrainerMoe, SwigluClampsBothSides) {
  const torch::Tensor gate = torch::tensor({-3.0, 0.5, 2.0, 0.3}, torch::kFloat64).view({1, 4}).requires_grad_(true);
  const torch::Tensor up = torch::tensor({0.2, -4.0, 0.4, 7.0}, torch::kFloat64).view({1, 4}).requires_grad_(true);
  const torch::Tensor weight = torch::tensor({2.0}, torch::kFloat64).requires_grad_(true);
  const torch::Tensor found = swiglu(gate, up, weight, 1.0);
  const torch::Tensor expected = torch::silu(gate.clamp_max(1.0)) * up.clamp(-1.0, 1.0) * 2.0;
  EXPECT_TRUE(found.allclose(expected, 1e-12, 1e-12));
  const auto gradients = torch::autograd::grad({found.sum()}, {gate, up});
  EXPECT_EQ(gradients[0][0][2].item<double>(), 0.0);
  EXPECT_EQ(gradients[1][0][1].item<double>(), 0.0);
  EXPECT_EQ(gradients[1][0][3].item<double>(), 0.0);
  expect_gradients([&] { return probe(swiglu(gate, up, weight, 1.0)); }, {gate, up, weight});
  expect_gradients([&] { return probe(swiglu(gate, up, torch::Tensor(), 0.0)); }, {gate, up});
}

TEST(TrainerMoe, Gradients) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = lively_parameters(config, 7);
  const PackedBatch batch = small_batch(config);
  const Step step(parameters, batch, kDouble);
  const torch::Tensor x = normal({48, 32}, 1);
  for (const std::int64_t layer : {0, 1}) {
    const std::string prefix = fmt::format("layers.{}.ffn.", layer);
    const auto loss = [&] { return probe(Moe(step, layer, prefix).forward(x, {}).out); };
    expect_gradients(loss, {x});
    expect_parameter_gradients(loss, parameters, prefix);
  }
}

}  // namespace
}  // namespace fathom::train
