// The whole network on a GPU against the same on the host: losses and every gradient. Skipped without a GPU.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "fathom/spec/model_config_json.h"
#include "fathom/trainer/compute_weights.h"
#include "fathom/trainer/optimizer.h"
#include "fathom/trainer/transformer.h"
#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

struct Gradients {
  Losses losses;
  std::vector<std::pair<std::string, torch::Tensor>> all;  // on the host, float32
};

// Two rows of documents of many lengths, one longer than the window and one shorter than a block, and padding.
PackedBatch batch_on(const ModelConfig& config, torch::Device device) {
  const auto document = [&](std::int64_t tokens, std::uint64_t seed) {
    return testing::random_ids(tokens, config.vocab, seed);
  };
  const PackedRow rows[] = {testing::pack({document(700, 1), document(3, 2), document(200, 3)}, 1024),
                            testing::pack({document(1024, 4)}, 1024)};
  return make_batch(rows, config, device);
}

Gradients gradients_on(torch::Device device, ForwardOptions options) {
  const ModelConfig config =
      load_model_config(std::filesystem::path(FATHOM_SOURCE) / "recipes" / "minnow" / "config.json");
  Parameters parameters = Parameters::random(config, 3, device);
  Optimizer optimizer(parameters, OptimizerKind::published);
  optimizer.zero_gradients();
  std::unique_ptr<ComputeWeights> weights;
  options.weights = make_weights(parameters, optimizer, options, weights);
  const PackedBatch batch = batch_on(config, device);
  LossOptions loss{.forward = options};
  loss.target_count = batch.target_count;
  Gradients result{.losses = Transformer(parameters).loss(batch, loss), .all = {}};
  result.losses.total.backward();
  if (weights != nullptr) weights->hand_over();
  for (const Parameter& parameter : parameters.all())
    if (const torch::Tensor gradient = optimizer.gradient_of(parameter.name); gradient.defined())
      result.all.emplace_back(parameter.name, gradient.to(torch::kCPU, torch::kFloat32));
  return result;
}

double distance(const torch::Tensor& found, const torch::Tensor& expected) {
  return (found - expected).norm().item<double>() / (expected.norm().item<double>() + 1e-9);
}

class DeviceTransformer : public ::testing::TestWithParam<std::pair<AttentionStage, bool>> {};

TEST_P(DeviceTransformer, IsTheHosts) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU: the network was not run on one";
  ForwardOptions options{.compute = torch::kFloat32, .attention = GetParam().first};
  options.released_precision = GetParam().second;
  const Gradients host = gradients_on(torch::kCPU, options);
  const Gradients device = gradients_on(torch::kCUDA, options);
  options.compute = torch::kBFloat16;
  const Gradients narrow = gradients_on(torch::kCUDA, options);
  // Where entries are picked or values rounded, a last bit that differs flips a choice here and there.
  const bool smooth = options.attention == AttentionStage::dense && !options.released_precision;
  const double total = host.losses.total.item<double>();
  EXPECT_NEAR(device.losses.total.item<double>(), total, (smooth ? 1e-5 : 2e-3) * total);
  EXPECT_NEAR(narrow.losses.total.item<double>(), total, 1e-2 * total);
  double worst = 0.0, worst_narrow = 0.0;
  for (std::size_t place = 0; place < host.all.size(); ++place) {
    const auto& [name, expected] = host.all[place];
    if (expected.norm().item<double>() < 1e-7) continue;
    const double apart = distance(device.all[place].second, expected);
    const double narrow_apart = distance(narrow.all[place].second, expected);
    EXPECT_LE(apart, smooth ? 1e-3 : 0.15) << name;
    EXPECT_LE(narrow_apart, 0.5) << name;
    worst = std::max(worst, apart);
    worst_narrow = std::max(worst_narrow, narrow_apart);
  }
  std::printf("worst gradient: float32 %.1e, bfloat16 %.1e\n", worst, worst_narrow);
}

INSTANTIATE_TEST_SUITE_P(Stages, DeviceTransformer,
                         ::testing::Values(std::pair(AttentionStage::dense, false),
                                           std::pair(AttentionStage::indexer_warmup, false),
                                           std::pair(AttentionStage::sparse, false),
                                           std::pair(AttentionStage::sparse, true)));

}  // namespace
}  // namespace fathom::train
