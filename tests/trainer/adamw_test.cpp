#include "fathom/trainer/adamw.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace fathom::train {
namespace {

TEST(AdamW, EqualsTheFormulaElementByElement) {
  torch::manual_seed(21);
  const torch::Tensor value = torch::randn({7}, torch::kFloat64);
  AdamWGroup group{{value}, {}, {torch::zeros_like(value)}, {torch::zeros_like(value)}};
  std::vector<double> w(7);
  std::vector<double> m(7, 0.0);
  std::vector<double> v(7, 0.0);
  for (std::size_t place = 0; place < 7; ++place) w[place] = value[static_cast<std::int64_t>(place)].item<double>();
  for (std::int64_t step = 1; step <= 5; ++step) {
    const torch::Tensor gradient = torch::randn({7}, torch::kFloat64);
    group.gradients = {gradient};
    adamw_step(group, step, {.learning_rate = 0.01, .weight_decay = 0.1});
    for (std::size_t place = 0; place < 7; ++place) {
      const double g = gradient[static_cast<std::int64_t>(place)].item<double>();
      m[place] = 0.9 * m[place] + 0.1 * g;
      v[place] = 0.95 * v[place] + 0.05 * g * g;
      const double mean = m[place] / (1.0 - std::pow(0.9, step));
      const double deviation = std::sqrt(v[place] / (1.0 - std::pow(0.95, step)));
      w[place] = w[place] * (1.0 - 0.01 * 0.1) - 0.01 * mean / (deviation + 1e-20);
    }
  }
  for (std::size_t place = 0; place < 7; ++place)
    EXPECT_NEAR(value[static_cast<std::int64_t>(place)].item<double>(), w[place], 1e-14);
}

// epsilon is far below any gradient: the first update is one learning rate, however small the gradient, and an element
// that never had one only decays.
TEST(AdamW, TinyGradientsMoveFullyAndAbsentOnesDoNot) {
  const torch::Tensor value = torch::ones({2});
  const AdamWGroup group{{value}, {torch::tensor({1e-12F, 0.0F})}, {torch::zeros({2})}, {torch::zeros({2})}};
  adamw_step(group, 1, {.learning_rate = 0.01, .weight_decay = 0.1});
  EXPECT_NEAR(value[0].item<double>(), 1.0 - 0.001 - 0.01, 1e-6);
  EXPECT_NEAR(value[1].item<double>(), 1.0 - 0.001, 1e-6);
}

}  // namespace
}  // namespace fathom::train
