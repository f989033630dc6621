// The whole network on a GPU against the same on the host: losses and every gradient. Skipped without a GPU.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "fathom/spec/model_config_json.h"
#include "fathom/trainer/compute_weights.h"
#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/optimizer.h"
#include "fathom/trainer/train_step.h"
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

// Against the gradient's own size, or against a thousandth of the whole one where it is smaller: sums over all tokens
// that nearly cancel have no digits to compare.
double distance(const torch::Tensor& found, const torch::Tensor& expected, double whole) {
  return (found - expected).norm().item<double>() / std::max(expected.norm().item<double>(), 1e-3 * whole);
}

double norm_of(const Gradients& gradients) {
  double squares = 0.0;
  for (const auto& [name, gradient] : gradients.all) squares += gradient.square().sum().item<double>();
  return std::sqrt(squares);
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
  const double whole = norm_of(host);
  double worst = 0.0, worst_narrow = 0.0;
  for (std::size_t place = 0; place < host.all.size(); ++place) {
    const auto& [name, expected] = host.all[place];
    const double apart = distance(device.all[place].second, expected, whole);
    const double narrow_apart = distance(narrow.all[place].second, expected, whole);
    EXPECT_LE(apart, smooth ? 1e-3 : 0.15) << name;
    EXPECT_LE(narrow_apart, 0.3) << name;  // bfloat16 sends some tokens to other experts
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

// Five steps that are recorded and replayed, on batches that differ, against the same on the default stream, where
// nothing can be recorded.
TEST(DeviceTransformer, RecordedStepsAreTheSame) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU: nothing was recorded";
  const ModelConfig config =
      load_model_config(std::filesystem::path(FATHOM_SOURCE) / "recipes" / "minnow" / "config.json");
  const auto losses = [&] {
    Parameters parameters = Parameters::random(config, 3, torch::kCUDA);
    Optimizer optimizer(parameters, OptimizerKind::published);
    const Ranks alone;
    TrainStep step(parameters, optimizer, alone);
    std::vector<double> result;
    for (std::uint64_t round = 0; round < 5; ++round) {
      StepRows rows;
      for (std::uint64_t micro_batch = 0; micro_batch < 2; ++micro_batch) {
        const PackedRow row = testing::pack({testing::random_ids(900, config.vocab, 10 * round + micro_batch)}, 1024);
        rows.batches.push_back(make_batch({&row, 1}, config, torch::kCUDA));
        rows.target_count += rows.batches.back().target_count;
      }
      StepSettings settings;
      settings.loss.forward.compute = torch::kBFloat16;
      settings.loss.forward.released_precision = round >= 3;  // recorded anew
      settings.sizes.learning_rate = 1e-3;
      const StepMeasures measures = step.run(rows, settings, {});
      result.push_back(measures.language.item<double>());
      result.push_back(measures.gradient_norm.item<double>());
    }
    return result;
  };
  const std::vector<double> plain = losses();
  device::use_own_stream(torch::kCUDA);
  const std::vector<double> recorded = losses();
  for (std::size_t place = 0; place < plain.size(); ++place)
    EXPECT_NEAR(recorded[place], plain[place], 2e-2 * plain[place]) << place;
}

}  // namespace
}  // namespace fathom::train
