#include "fathom/trainer/compressor.h"

#include <gtest/gtest.h>

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/rotary.h"
#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

class TrainerCompressor : public ::testing::Test {
 protected:
  torch::Tensor compressed(std::int64_t layer) const {
    const std::int64_t ratio = config_.ratio(layer);
    return compress(step_, fmt::format("layers.{}.attn.compressor.", layer),
                    {.ratio = ratio, .overlap = ratio == kCsaRatio, .dim = config_.head_dim}, x_);
  }

  ModelConfig config_ = tiny_config();
  Parameters parameters_ = lively_parameters(config_, 7);
  PackedBatch batch_ = small_batch(config_);
  Step step_{parameters_, batch_, kDouble};
  torch::Tensor x_ = normal({48, 32}, 1);
};

// The second block of the third document, row by row.
TEST_F(TrainerCompressor, PoolsTheBlockAndTheOneBefore) {
  const EntryPlan& plan = batch_.plan(4);
  std::int64_t entry = 0;
  while (plan.documents[0][entry].item<std::int64_t>() != 2 || plan.positions[0][entry].item<std::int64_t>() != 4)
    ++entry;
  const std::int64_t first = plan.first[0][entry].item<std::int64_t>();
  const torch::Tensor rows = x_.narrow(0, first - 4, 8);
  const std::string prefix = "layers.1.attn.compressor.";
  const torch::Tensor kv = project(rows, parameters_.at(prefix + "wkv"));
  const torch::Tensor gate =
      project(rows, parameters_.at(prefix + "wgate")) + parameters_.at(prefix + "ape").repeat({2, 1});
  const auto series = [](const torch::Tensor& values) {
    return torch::cat({values.narrow(0, 0, 4).narrow(1, 0, 24), values.narrow(0, 4, 4).narrow(1, 24, 24)});
  };
  const torch::Tensor pooled = (series(kv) * series(gate).softmax(0)).sum(0, true);
  const torch::Tensor normed =
      rms_norm(pooled, parameters_.at(prefix + "norm.weight"), static_cast<double>(config_.norm_eps));
  const torch::Tensor expected = rotate(normed.unsqueeze(1), step_.entries(4).turns.narrow(0, entry, 1)).flatten();
  EXPECT_TRUE(compressed(1)[0][entry].allclose(expected, 1e-10, 1e-10));
}

TEST_F(TrainerCompressor, Gradients) {
  for (const std::int64_t layer : {1, 2}) {
    // Unused places are seen by nobody, and nothing may flow from them.
    const torch::Tensor used = batch_.plan(config_.ratio(layer)).documents.ge(0).unsqueeze(2).to(torch::kFloat64);
    const auto loss = [&] { return probe(compressed(layer) * used); };
    expect_gradients(loss, {x_});
    expect_parameter_gradients(loss, parameters_, fmt::format("layers.{}.attn.compressor.", layer));
  }
}

}  // namespace
}  // namespace fathom::train
