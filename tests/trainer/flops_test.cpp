#include "fathom/trainer/flops.h"

#include <gtest/gtest.h>

#include "fathom/spec/model_size.h"

namespace fathom::train {
namespace {

// Twice the parameters that a token passes through, and more for attention the longer the row.
TEST(Flops, FlashNeedsTwoPerActiveParameterBesideItsKeys) {
  const ModelConfig config = preset_model_config("deepseek-v4-flash");
  const ModelSize size = model_size(config);
  ModelConfig trunk = config;
  trunk.mtp_layers = 0;
  trunk.compress_ratios.resize(static_cast<std::size_t>(config.layers));
  const FlopCount count = token_flops(trunk, 4096, AttentionStage::sparse);
  EXPECT_NEAR((count.projections + count.experts) / (2.0 * static_cast<double>(size.active_without_embedding)), 1.0,
              0.01);
  EXPECT_DOUBLE_EQ(count.step(), 3.0 * count.forward());
  EXPECT_GT(token_flops(config, 4096, AttentionStage::sparse).projections, count.projections);
}

TEST(Flops, AttentionByHandInASmallModel) {
  ModelConfig config = preset_model_config("deepseek-v4-flash");
  config.layers = 1;
  config.mtp_layers = 0;
  config.hash_layers = 0;
  config.compress_ratios = {4};
  config.window = 2;
  config.index_topk = 1;
  config.heads = 8;
  config.output_groups = 1;
  config.head_dim = 128;
  config.index_heads = 3;
  config.index_dim = 64;
  // Rows of 8: queries see 1, 2, 2, 2, 2, 2, 2, 2 keys of the window and 0, 0, 0, 1, 1, 1, 1, 2 entries.
  const double key = 4.0 * 8.0 * 128.0;
  EXPECT_NEAR(token_flops(config, 8, AttentionStage::dense).attention, (15.0 + 6.0) / 8.0 * key, 1e-6);
  EXPECT_NEAR(token_flops(config, 8, AttentionStage::sparse).attention,
              (15.0 + 5.0) / 8.0 * key + 6.0 / 8.0 * 2.0 * 3.0 * 64.0, 1e-6);
}

}  // namespace
}  // namespace fathom::train
