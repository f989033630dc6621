#include "fathom/trainer/attention.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

// Sliding, CSA and HCA; the indexer chooses, so that nothing of the output moves its parameters.
TEST(TrainerAttention, Gradients) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = lively_parameters(config, 7);
  const PackedBatch batch = small_batch(config);
  const Step step(parameters, batch, kDouble);
  const torch::Tensor x = normal({48, 32}, 1);
  for (const std::int64_t layer : {0, 1, 2}) {
    const std::string prefix = fmt::format("layers.{}.attn.", layer);
    const auto loss = [&] { return probe(Attention(step, layer, prefix).forward(x, false).out); };
    expect_gradients(loss, {x});
    for (const char* part : {"wq_a", "q_norm", "wq_b", "wkv", "kv_norm", "attn_sink", "wo_a", "wo_b"})
      expect_parameter_gradients(loss, parameters, prefix + part);
    if (layer > 0) expect_parameter_gradients(loss, parameters, prefix + "compressor.");
  }
}

TEST(TrainerAttention, TheDenseStageNeedsNoIndexer) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = lively_parameters(config, 7);
  const PackedBatch batch = small_batch(config);
  ForwardOptions options = kDouble;
  options.attention = AttentionStage::dense;
  const Step step(parameters, batch, options);
  const auto result = Attention(step, 1, "layers.1.attn.").forward(normal({48, 32}, 1), true);
  EXPECT_FALSE(result.index_loss.defined());
}

}  // namespace
}  // namespace fathom::train
