#include "fathom/trainer/muon.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "fathom/trainer/newton_schulz.h"

namespace fathom::train {
namespace {

// One matrix by the published formula, written out.
struct Written {
  torch::Tensor value;
  torch::Tensor momentum;
  void step(const torch::Tensor& gradient, double rate, double decay) {
    momentum = 0.95 * momentum + gradient;
    const torch::Tensor factor = orthogonalize((0.95 * momentum + gradient).unsqueeze(0)).squeeze(0);
    const double size = static_cast<double>(std::max(value.size(0), value.size(1)));
    value = value * (1.0 - rate * decay) - rate * factor * std::sqrt(size) * 0.18;
  }
};

TEST(Muon, FollowsThePublishedFormulaForMatricesAndStacks) {
  torch::manual_seed(11);
  const auto options = torch::kFloat64;
  MuonGroup group;
  group.values = {torch::randn({6, 10}, options), torch::randn({3, 6, 10}, options)};
  group.momenta = {torch::zeros({6, 10}, options), torch::zeros({3, 6, 10}, options)};
  std::vector<Written> written;
  written.push_back({group.values[0].clone(), group.momenta[0].clone()});
  for (std::int64_t expert = 0; expert < 3; ++expert)
    written.push_back({group.values[1][expert].clone(), group.momenta[1][expert].clone()});
  for (int step = 0; step < 4; ++step) {
    group.gradients = {torch::randn({6, 10}, options), torch::randn({3, 6, 10}, options)};
    muon_step(group, {.learning_rate = 0.02, .weight_decay = 0.3});
    written[0].step(group.gradients[0], 0.02, 0.3);
    for (std::int64_t expert = 0; expert < 3; ++expert)
      written[static_cast<std::size_t>(expert) + 1].step(group.gradients[1][expert], 0.02, 0.3);
  }
  EXPECT_TRUE(torch::allclose(group.values[0], written[0].value, 1e-9, 1e-12));
  for (std::int64_t expert = 0; expert < 3; ++expert)
    EXPECT_TRUE(
        torch::allclose(group.values[1][expert], written[static_cast<std::size_t>(expert) + 1].value, 1e-9, 1e-12));
}

TEST(Muon, UpdatesHaveThePublishedSize) {
  torch::manual_seed(12);
  for (const auto& [out, in] : {std::pair<std::int64_t, std::int64_t>{32, 128}, {128, 32}, {20, 20}}) {
    const torch::Tensor value = torch::zeros({out, in});
    const MuonGroup group{{value}, {torch::randn({out, in})}, {torch::zeros({out, in})}};
    muon_step(group, {.learning_rate = 1.0, .weight_decay = 0.0});
    EXPECT_NEAR(value.square().mean().sqrt().item<double>(), 0.18, 0.01) << out << " x " << in;
  }
}

TEST(Muon, AnEmptyGroupIsNothing) { muon_step({}, {}); }

}  // namespace
}  // namespace fathom::train
