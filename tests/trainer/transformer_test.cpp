#include "fathom/trainer/transformer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "fathom/base/error.h"
#include "fathom/checkpoint/safetensors_file.h"
#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using testing::pack;
using testing::random_ids;
using testing::tiny_config;

PackedBatch batch_of(const std::vector<std::vector<std::int32_t>>& documents, std::int64_t length,
                     const ModelConfig& config) {
  const PackedRow row = pack(documents, length);
  return make_batch({&row, 1}, config, torch::kCPU);
}

struct GoldenCase {
  const char* directory;
  std::int64_t tied_row;  // left out; -1 for none
};

class TrainerGoldens : public ::testing::TestWithParam<GoldenCase> {};

// Rows [tied_row, tied_row + tied_rows) are left out.
void expect_near(const torch::Tensor& found, const SafetensorsFile& golden, const char* name, std::int64_t tied_row,
                 std::int64_t tied_rows) {
  const std::vector<float> values = golden.floats(name);
  const torch::Tensor expected = torch::tensor(values).view({-1, found.size(1)});
  torch::Tensor apart = (found.narrow(0, 0, expected.size(0)) - expected).abs();
  if (tied_row >= 0) apart.narrow(0, tied_row, tied_rows).zero_();
  EXPECT_LE(apart.max().item<float>(), 1e-3F) << name;
  EXPECT_LE(apart.mean().item<float>(), 1e-5F) << name;
  std::printf("%s: max %.1e mean %.1e\n", name, apart.max().item<double>(), apart.mean().item<double>());
}

TEST_P(TrainerGoldens, AgreeWithTheReleasedReference) {
  const torch::NoGradGuard no_gradients;
  const auto directory = std::filesystem::path(FATHOM_SOURCE) / GetParam().directory;
  const Parameters parameters = Parameters::load(Checkpoint::open(directory), torch::kCPU);
  const SafetensorsFile golden(directory / "goldens-smooth.safetensors");
  const std::vector<std::int32_t> ids = golden.integers("token_ids");
  const std::int64_t length = (std::ssize(ids) + 127) / 128 * 128;
  const Outputs outputs = Transformer(parameters).forward(batch_of({ids}, length, parameters.config()), {});
  expect_near(outputs.logits[0], golden, "logits", GetParam().tied_row, 1);
  // The MTP block reads the tied token's streams, and so do the queries of a window behind it.
  if (parameters.config().mtp_layers > 0)
    expect_near(outputs.mtp_logits[0], golden, "mtp_logits", GetParam().tied_row, parameters.config().window);
}

// The learned weights in the released cache. (On the random models one rounding that falls the other way, for float32
// sums in another order, moves all rows behind it: tests/parity has the same on short texts.)
TEST(TrainerTransformer, ReleasedGoldenOfLearnedWeights) {
  const torch::NoGradGuard no_gradients;
  const auto directory = std::filesystem::path(FATHOM_SOURCE) / "models/sprat";
  const Parameters parameters = Parameters::load(Checkpoint::open(directory), torch::kCPU);
  const SafetensorsFile golden(directory / "goldens-released.safetensors");
  const std::vector<std::int32_t> ids = golden.integers("token_ids");
  ForwardOptions options;
  options.released_precision = true;
  const Outputs outputs =
      Transformer(parameters).forward(batch_of({ids}, std::ssize(ids), parameters.config()), options);
  const std::vector<float> values = golden.floats("logits");
  const torch::Tensor apart = (outputs.logits[0] - torch::tensor(values).view_as(outputs.logits[0])).abs();
  EXPECT_LE(apart.max().item<float>(), 5e-2F);
  EXPECT_LE(apart.mean().item<float>(), 1e-4F);
}

INSTANTIATE_TEST_SUITE_P(Oracle, TrainerGoldens,
                         ::testing::Values(GoldenCase{"tests/data/tiny-flash", 170},
                                           GoldenCase{"tests/data/tiny-pro", -1}, GoldenCase{"models/sprat", -1}));

LossOptions loss_options(const PackedBatch& batch, AttentionStage stage) {
  LossOptions options;
  options.forward.attention = stage;
  options.target_count = batch.target_count;
  options.indexer_weight = 1.0;
  return options;
}

// A row of several documents gives what its documents give alone.
TEST(TrainerTransformer, PackedDocumentsDoNotSeeEachOther) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = Parameters::random(config, 3, torch::kCPU);
  const Transformer transformer(parameters);
  const std::vector<std::vector<std::int32_t>> documents{
      random_ids(37, config.vocab, 1), random_ids(3, config.vocab, 2), random_ids(52, config.vocab, 3),
      random_ids(1, config.vocab, 4), random_ids(21, config.vocab, 5)};
  for (const AttentionStage stage : {AttentionStage::dense, AttentionStage::sparse}) {
    const PackedBatch together = batch_of(documents, 128, config);
    const LossOptions options = loss_options(together, stage);
    const Losses packed = transformer.loss(together, options);
    double language = 0;
    double mtp = 0;
    double indexer = 0;
    torch::Tensor loads = torch::zeros_like(packed.expert_loads);
    for (const auto& document : documents) {
      const Losses alone = transformer.loss(batch_of({document}, 64, config), options);
      language += alone.language.item<double>();
      mtp += alone.mtp.item<double>();
      indexer += alone.indexer.item<double>();
      loads += alone.expert_loads;
    }
    EXPECT_NEAR(packed.language.item<double>(), language, 2e-6 * language);
    EXPECT_NEAR(packed.mtp.item<double>(), mtp, 2e-6 * mtp);
    EXPECT_NEAR(packed.indexer.item<double>(), indexer, 1e-5 * indexer + 1e-9);
    EXPECT_TRUE(packed.expert_loads.equal(loads));
    EXPECT_NEAR(language, std::log(static_cast<double>(config.vocab)), 0.5);
  }
}

// The whole loss: every parameter that training moves, along a random direction and at single entries.
TEST(TrainerTransformer, GradientsOfTheWholeLoss) {
  const ModelConfig config = testing::tiny_config();
  const Parameters parameters = testing::lively_parameters(config, 7);
  const PackedBatch batch = testing::small_batch(config);
  LossOptions options = loss_options(batch, AttentionStage::sparse);
  options.forward.compute = torch::kFloat64;
  options.balance_weight = 0.1;
  options.indexer_weight = 0;  // its inputs are detached: no difference could tell its gradient from the others'
  const Transformer transformer(parameters);
  const auto loss = [&] { return transformer.loss(batch, options).total; };
  for (const char* prefix : {"embed", "head", "norm", "hc_head", "layers.0.", "layers.2.", "layers.3.hc", "mtp.0."})
    testing::expect_parameter_gradients(loss, parameters, prefix, 1e-5);
}

// Routes of other parameters can be given, and one's own change nothing.
TEST(TrainerTransformer, OwnRoutesChangeNothing) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = Parameters::random(config, 3, torch::kCPU);
  const Transformer transformer(parameters);
  const PackedBatch batch = batch_of({random_ids(60, config.vocab, 1)}, 64, config);
  const LossOptions options = loss_options(batch, AttentionStage::sparse);
  const auto routes = transformer.routes(batch, options.forward);
  ASSERT_EQ(routes.size(), 4U);  // three scored layers and the MTP block
  EXPECT_EQ(routes[0].sizes(), (torch::IntArrayRef{1, 64, 2}));
  const Losses own = transformer.loss(batch, options);
  EXPECT_TRUE(own.total.equal(transformer.loss(batch, options, routes).total));
  const auto others = Transformer(Parameters::random(config, 4, torch::kCPU)).routes(batch, options.forward);
  EXPECT_FALSE(own.total.equal(transformer.loss(batch, options, others).total));
}

TEST(TrainerTransformer, TheWarmUpTrainsTheIndexerAlone) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = Parameters::random(config, 3, torch::kCPU);
  const PackedBatch batch = batch_of({random_ids(60, config.vocab, 1)}, 64, config);
  Transformer(parameters).loss(batch, loss_options(batch, AttentionStage::indexer_warmup)).total.backward();
  for (const Parameter& parameter : parameters.all())
    EXPECT_EQ(parameter.value.grad().defined(), parameter.name.find(".indexer.") != std::string::npos)
        << parameter.name;
}

std::vector<torch::Tensor> leaves_of(const Parameters& parameters) {
  std::vector<torch::Tensor> leaves;
  for (const Parameter& parameter : parameters.all())
    if (parameter.value.requires_grad()) leaves.push_back(parameter.value);
  return leaves;
}

double distance(const torch::Tensor& found, const torch::Tensor& expected) {
  return (found - expected).norm().item<double>() / expected.norm().item<double>();
}

// What a GPU computes in: close to float32, masters and their gradients wide.
TEST(TrainerTransformer, Bfloat16IsCloseToFloat32) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = Parameters::random(config, 3, torch::kCPU);
  const Transformer transformer(parameters);
  const Parameters rounded_parameters = Parameters::random(config, 3, torch::kCPU);
  const auto rounded_leaves = leaves_of(rounded_parameters);
  for (const torch::Tensor& leaf : rounded_leaves) leaf.data().copy_(leaf.data().to(torch::kBFloat16));
  const Transformer rounded(rounded_parameters);
  const PackedBatch batch = batch_of({random_ids(37, config.vocab, 1), random_ids(80, config.vocab, 2)}, 128, config);
  for (const bool released : {false, true}) {
    LossOptions options = loss_options(batch, AttentionStage::sparse);
    options.forward.released_precision = released;
    const LossOptions wide_options = options;
    const Losses wide = transformer.loss(batch, options);
    options.forward.compute = torch::kBFloat16;
    const Losses narrow = transformer.loss(batch, options);
    EXPECT_NEAR(narrow.language.item<double>(), wide.language.item<double>(), 1e-2);
    EXPECT_NEAR(narrow.mtp.item<double>(), wide.mtp.item<double>(), 1e-2);
    EXPECT_NEAR(narrow.indexer.item<double>(), wide.indexer.item<double>(), 0.1 * wide.indexer.item<double>() + 1e-3);
    const auto leaves = leaves_of(parameters);
    const auto expected = torch::autograd::grad({wide.total}, leaves);
    const auto found = torch::autograd::grad({narrow.total}, leaves);
    for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) {
      ASSERT_EQ(found[leaf].scalar_type(), torch::kFloat32);
      EXPECT_TRUE(found[leaf].isfinite().all().item<bool>());
    }
    // Rounding the weights alone turns some tokens to other experts and some values to other FP4 codes: that much is in
    // any rounding, and how much it is depends on the machine's products.
    const double rounding =
        distance(torch::autograd::grad({rounded.loss(batch, wide_options).total}, rounded_leaves)[0], expected[0]);
    EXPECT_LT(distance(found[0], expected[0]), std::max(0.1, 1.5 * rounding)) << "gradient of the embedding";
  }
}

}  // namespace
}  // namespace fathom::train
