#include "tests/trainer/trainer_support.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "fathom/base/error.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/checkpoint/random_checkpoint.h"
#include "fathom/checkpoint/random_values.h"
#include "tests/model/small_model.h"

namespace fathom::train::testing {

PackedRow pack(const std::vector<std::vector<std::int32_t>>& documents, std::int64_t length) {
  PackedRow row;
  std::int32_t number = 0;
  for (const auto& ids : documents) {
    for (std::size_t token = 0; token < ids.size(); ++token) {
      row.ids.push_back(ids[token]);
      row.targets.push_back(token + 1 < ids.size() ? ids[token + 1] : -1);
      row.documents.push_back(number);
      row.positions.push_back(static_cast<std::int32_t>(token));
    }
    ++number;
  }
  const auto size = static_cast<std::size_t>(length);
  check(row.ids.size() <= size, "the documents fit into the row");
  row.ids.resize(size, 0);
  row.targets.resize(size, -1);
  row.documents.resize(size, -1);
  row.positions.resize(size, 0);
  return row;
}

std::vector<std::int32_t> random_ids(std::int64_t count, std::int64_t vocab, std::uint64_t seed) {
  RandomValues random(seed, "ids");
  std::vector<std::int32_t> ids;
  for (std::int64_t token = 0; token < count; ++token) ids.push_back(static_cast<std::int32_t>(random.below(vocab)));
  return ids;
}

ModelConfig tiny_config() {
  ModelConfig config;
  config.vocab = 61;
  config.channels = 32;
  config.layers = 4;
  config.mtp_layers = 1;
  config.heads = 4;
  config.head_dim = 24;
  config.rope_dim = 8;
  config.query_latent = 20;
  config.output_groups = 2;
  config.output_latent = 12;
  config.experts = 6;
  config.shared_experts = 1;
  config.selected_experts = 2;
  config.expert_dim = 32;
  config.hash_layers = 1;
  config.route_scale = 1.5F;
  config.swiglu_limit = 10.0F;
  config.window = 8;
  config.index_heads = 3;
  config.index_dim = 16;
  config.index_topk = 3;
  config.compress_ratios = {0, 4, 8, 4, 0};
  config.streams = 4;
  config.sinkhorn_iterations = 20;
  config.max_positions = 4096;
  config.yarn = {.factor = 4.0, .original_max_positions = 64, .beta_fast = 8.0, .beta_slow = 1.0};
  return config;
}

Parameters lively_parameters(const ModelConfig& config, std::uint64_t seed) {
  const fathom::testing::TemporaryFolder folder;
  const auto directory = folder.path() / "model";
  const auto widest = [](const TensorSpec& spec) {
    return spec.role == TensorRole::hash_table ? spec.released : Storage::f32;
  };
  write_random_checkpoint(config, directory, {.seed = seed, .shards = 1, .storage = widest});
  Parameters parameters = Parameters::load(Checkpoint::open(directory), torch::kCPU);
  parameters.convert(torch::kFloat64);
  return parameters;
}

PackedBatch small_batch(const ModelConfig& config, std::int64_t length) {
  const PackedRow row = pack({random_ids(length / 2 - 3, config.vocab, 1), random_ids(5, config.vocab, 2),
                              random_ids(length / 2 - 8, config.vocab, 3)},
                             length);
  return make_batch({&row, 1}, config, torch::kCPU);
}

torch::Tensor normal(torch::IntArrayRef shape, std::uint64_t seed) {
  RandomValues random(seed, "normal");
  torch::Tensor values = torch::empty(shape, torch::kFloat64);
  auto* out = values.data_ptr<double>();
  for (std::int64_t index = 0; index < values.numel(); ++index) out[index] = static_cast<double>(random.normal());
  return values.requires_grad_(true);
}

torch::Tensor probe(const torch::Tensor& values, std::uint64_t seed) {
  return (values.to(torch::kFloat64) * normal(values.sizes(), seed).detach()).sum();
}

namespace {

double difference(const std::function<torch::Tensor()>& loss, torch::Tensor leaf, const torch::Tensor& direction) {
  constexpr double kStep = 1e-5;
  const torch::NoGradGuard no_gradients;
  const torch::Tensor kept = leaf.clone();
  leaf.add_(direction, kStep);
  const double above = loss().item<double>();
  leaf.copy_(kept - direction * kStep);
  const double below = loss().item<double>();
  leaf.copy_(kept);
  return (above - below) / (2 * kStep);
}

void expect_close(double found, double expected, double scale, double tolerance, const std::string& what) {
  EXPECT_NEAR(found, expected, tolerance * (1.0 + std::fabs(expected) + scale)) << what;
}

void expect_leaf_gradient(const std::function<torch::Tensor()>& loss, const torch::Tensor& leaf,
                          const torch::Tensor& gradient, double tolerance, const std::string& what) {
  ASSERT_TRUE(gradient.defined()) << what;
  ASSERT_EQ(gradient.sizes(), leaf.sizes()) << what;
  const double size = gradient.norm().item<double>();
  EXPECT_GT(size, 0.0) << what << ": nothing flows";
  const torch::Tensor direction = normal(leaf.sizes(), 5).detach();
  expect_close((gradient * direction).sum().item<double>(), difference(loss, leaf, direction), size, tolerance, what);
  for (const std::int64_t place : {std::int64_t{0}, leaf.numel() / 2, leaf.numel() - 1}) {
    torch::Tensor single = torch::zeros(leaf.numel(), torch::kFloat64);
    single[place] = 1.0;
    expect_close(gradient.reshape({-1})[place].item<double>(), difference(loss, leaf, single.view(leaf.sizes())), 0.0,
                 tolerance, fmt::format("{} entry {}", what, place));
  }
}

}  // namespace

void expect_gradients(const std::function<torch::Tensor()>& loss, const std::vector<torch::Tensor>& leaves,
                      double tolerance) {
  const auto gradients = torch::autograd::grad({loss()}, leaves, {}, false, false, true);
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf)
    expect_leaf_gradient(loss, leaves[leaf], gradients[leaf], tolerance, fmt::format("leaf {}", leaf));
}

void expect_parameter_gradients(const std::function<torch::Tensor()>& loss, const Parameters& parameters,
                                std::string_view prefix, double tolerance) {
  std::vector<torch::Tensor> leaves;
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters.all()) {
    if (!parameter.name.starts_with(prefix) || !parameter.value.requires_grad()) continue;
    leaves.push_back(parameter.value);
    names.push_back(parameter.name);
  }
  ASSERT_FALSE(leaves.empty()) << prefix;
  const auto gradients = torch::autograd::grad({loss()}, leaves, {}, false, false, true);
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf)
    expect_leaf_gradient(loss, leaves[leaf], gradients[leaf], tolerance, names[leaf]);
}

}  // namespace fathom::train::testing
