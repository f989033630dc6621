#include "fathom/trainer/gate.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

class TrainerGate : public ::testing::Test {
 protected:
  Route route(std::int64_t layer, const torch::Tensor& chosen = {}) const {
    return Gate(step_, layer, fmt::format("layers.{}.ffn.gate", layer)).forward(x_, chosen);
  }

  ModelConfig config_ = tiny_config();
  Parameters parameters_ = lively_parameters(config_, 7);
  PackedBatch batch_ = small_batch(config_);
  Step step_{parameters_, batch_, kDouble};
  torch::Tensor x_ = normal({48, 32}, 1);
};

TEST_F(TrainerGate, BiasChoosesAndScoresWeigh) {
  const Route found = route(1);
  const torch::Tensor scores = torch::log1p(torch::exp(torch::mm(x_, parameters_.at("layers.1.ffn.gate").t()))).sqrt();
  const auto best = (scores + parameters_.at("layers.1.ffn.gate.bias")).topk(2, 1);
  EXPECT_TRUE(std::get<0>(found.selected.sort(1)).equal(std::get<0>(std::get<1>(best).sort(1))));
  const torch::Tensor picked = scores.gather(1, found.selected);
  EXPECT_TRUE(found.weights.allclose(picked / picked.sum(1, true) * 1.5, 1e-9, 1e-9));
  EXPECT_EQ(found.loads.sum().item<std::int64_t>(), 2 * batch_.documents.ge(0).sum().item<std::int64_t>());
}

TEST_F(TrainerGate, HashLayersAskTheTokenAlone) {
  const Route found = route(0);
  EXPECT_TRUE(found.selected.equal(parameters_.hash_table(0).index_select(0, batch_.ids.flatten())));
  EXPECT_FALSE(found.balance.defined());
}

TEST_F(TrainerGate, EqualScoresGoToTheLowerExpert) {
  x_ = torch::zeros({48, 32}, torch::kFloat64);
  torch::NoGradGuard no_gradients;
  parameters_.at("layers.1.ffn.gate.bias").zero_();
  EXPECT_TRUE(route(1).selected.equal(torch::arange(2).expand({48, 2})));
}

// The choice that is given stands, its weights are today's.
TEST_F(TrainerGate, AGivenChoiceTakesTheirPlace) {
  const torch::Tensor chosen = torch::tensor({5, 2}).expand({48, 2}).contiguous();
  const Route found = route(1, chosen);
  EXPECT_TRUE(found.selected.equal(chosen));
  EXPECT_NEAR(found.weights.sum().item<double>(), 48 * 1.5, 1e-9);
  EXPECT_EQ(found.loads[0].item<std::int64_t>(), 0);
}

// f_i P_i summed is 1 when loads and shares are even.
TEST_F(TrainerGate, BalanceIsOnePerTargetWhenEven) {
  x_ = torch::zeros({48, 32}, torch::kFloat64);
  const torch::Tensor pairs = torch::tensor({0, 1, 2, 3, 4, 5}).view({3, 2}).repeat({16, 1});
  const Route found = route(1, pairs);
  const double real = batch_.documents.ge(0).sum().item<double>();
  EXPECT_NEAR(found.balance.item<double>() / static_cast<double>(batch_.target_count), 1.0, 2.0 / real);
}

TEST_F(TrainerGate, Gradients) {
  const auto loss = [&] {
    const Route found = route(1);
    return probe(found.weights) + found.balance;
  };
  expect_gradients(loss, {x_});
  expect_parameter_gradients(loss, parameters_, "layers.1.ffn.gate");
}

}  // namespace
}  // namespace fathom::train
