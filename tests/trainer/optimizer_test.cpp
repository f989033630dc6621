#include "fathom/trainer/optimizer.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>
#include <set>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

// The report's list (2.4, 4.2.2) against Flash's own table of tensors, name by name.
TEST(Optimizer, ThePublishedSplitOfFlash) {
  std::map<UpdateRule, std::set<std::string>> endings;
  std::int64_t muon_vectors = 0;
  for (const TensorSpec& spec : tensor_table(preset_model_config("deepseek-v4-flash"))) {
    const UpdateRule rule = update_rule(spec.role, OptimizerKind::published);
    const std::string ending = spec.name.substr(spec.name.rfind('.') + 1);
    endings[rule].insert(ending == "weight" || ending == "bias"
                             ? spec.name.substr(spec.name.rfind('.', spec.name.rfind('.') - 1) + 1)
                             : ending);
    if (rule == UpdateRule::muon && spec.shape.size() != 2) ++muon_vectors;
  }
  EXPECT_EQ(muon_vectors, 0);
  EXPECT_EQ(endings[UpdateRule::none], (std::set<std::string>{"gate.bias", "tid2eid"}));
  EXPECT_EQ(
      endings[UpdateRule::adamw],
      (std::set<std::string>{"embed", "head", "norm.weight", "attn_norm.weight", "ffn_norm.weight", "q_norm.weight",
                             "kv_norm.weight", "enorm.weight", "hnorm.weight", "attn_sink", "hc_attn_base",
                             "hc_ffn_base", "hc_head_base", "hc_attn_scale", "hc_ffn_scale", "hc_head_scale"}));
  EXPECT_EQ(endings[UpdateRule::muon],
            (std::set<std::string>{"wq_a", "wq_b", "wkv", "wo_a", "wo_b", "wgate", "ape", "weights_proj", "gate", "w1",
                                   "w2", "w3", "e_proj", "h_proj", "hc_attn_fn", "hc_ffn_fn", "hc_head_fn"}));
}

TEST(Optimizer, TheBaselineGivesEverythingToAdamW) {
  for (const TensorSpec& spec : tensor_table(preset_model_config("deepseek-v4-flash")))
    EXPECT_NE(update_rule(spec.role, OptimizerKind::adamw), UpdateRule::muon) << spec.name;
}

TEST(Optimizer, ClipsTheNormOfAllGradientsTogether) {
  Parameters parameters = Parameters::random(testing::tiny_config(), 1, torch::kCPU);
  Optimizer optimizer(parameters, OptimizerKind::published);
  torch::manual_seed(2);
  double square = 0.0;
  for (const Parameter& parameter : parameters.all()) {
    if (!parameter.value.requires_grad()) continue;
    parameter.value.grad().copy_(torch::randn_like(parameter.value));
    square += parameter.value.grad().to(torch::kFloat64).square().sum().item<double>();
  }
  const double norm = std::sqrt(square);
  EXPECT_NEAR(optimizer.clip(0.0).item<double>() / norm, 1.0, 1e-4);
  EXPECT_NEAR(optimizer.gradients().norm().item<double>() / norm, 1.0, 1e-4) << "no limit";
  EXPECT_NEAR(optimizer.clip(3.0).item<double>() / norm, 1.0, 1e-4) << "what is returned is the norm before";
  EXPECT_NEAR(optimizer.gradients().norm().item<double>(), 3.0, 1e-3);
  optimizer.clip(5.0);
  EXPECT_NEAR(optimizer.gradients().norm().item<double>(), 3.0, 1e-3) << "below the limit nothing changes";
  optimizer.zero_gradients();
  EXPECT_EQ(parameters.all().front().value.grad().abs().max().item<float>(), 0.0F);
}

TEST(Optimizer, MovesWhatItTrainsAndNothingElse) {
  for (const TrainedPart part : {TrainedPart::all, TrainedPart::indexer, TrainedPart::all_but_indexer}) {
    Parameters parameters = Parameters::random(testing::tiny_config(), 1, torch::kCPU);
    Optimizer optimizer(parameters, OptimizerKind::published);
    optimizer.train(part);
    std::map<std::string, torch::Tensor> before;
    for (const Parameter& parameter : parameters.all()) {
      before[parameter.name] = parameter.value.detach().clone();
      if (parameter.value.requires_grad()) parameter.value.grad().copy_(torch::randn_like(parameter.value));
    }
    optimizer.step({.learning_rate = 0.01, .weight_decay = 0.1});
    for (const Parameter& parameter : parameters.all()) {
      const bool indexer = parameter.name.find(".indexer.") != std::string::npos;
      const bool trained = parameter.role != TensorRole::router_bias &&
                           (part == TrainedPart::all || indexer == (part == TrainedPart::indexer));
      EXPECT_EQ(parameter.value.equal(before[parameter.name]), !trained) << parameter.name;
      EXPECT_EQ(parameter.value.requires_grad(), trained) << parameter.name;
    }
  }
}

TEST(Optimizer, BackwardAddsToTheOneTensorOfGradients) {
  Parameters parameters = Parameters::random(testing::tiny_config(), 1, torch::kCPU);
  Optimizer optimizer(parameters, OptimizerKind::published);
  const torch::Tensor& embedding = parameters.at("embed");
  embedding.sum().backward();
  embedding.sum().backward();
  EXPECT_NEAR(optimizer.gradients().sum().item<double>(), 2.0 * static_cast<double>(embedding.numel()), 1e-3);
}

// Groups of one shape, as many as there are: the same as each matrix on its own.
TEST(Optimizer, AStepIsMuonAndAdamWOfEachParameter) {
  Parameters parameters = Parameters::random(testing::tiny_config(), 1, torch::kCPU);
  parameters.convert(torch::kFloat64);
  Optimizer optimizer(parameters, OptimizerKind::published);
  std::map<std::string, torch::Tensor> expected;
  for (const Parameter& parameter : parameters.all()) {
    const UpdateRule rule = update_rule(parameter.role, OptimizerKind::published);
    if (rule == UpdateRule::none) continue;
    const torch::Tensor gradient = torch::randn_like(parameter.value).detach();
    parameter.value.grad().copy_(gradient);
    const torch::Tensor value = parameter.value.detach().clone();
    const torch::Tensor zeros = torch::zeros_like(value);
    if (rule == UpdateRule::muon) muon_step({{value}, {gradient}, {zeros}}, {.learning_rate = 0.01});
    if (rule == UpdateRule::adamw)
      adamw_step({{value}, {gradient}, {zeros}, zeros.clone().unsqueeze(0).unbind(0)}, 1, {.learning_rate = 0.01});
    expected[parameter.name] = value;
  }
  optimizer.step({.learning_rate = 0.01, .weight_decay = 0.1});
  for (const auto& [name, value] : expected)
    EXPECT_TRUE(torch::allclose(parameters.at(name), value, 1e-9, 1e-12)) << name;
}

}  // namespace
}  // namespace fathom::train
