#include "fathom/trainer/step.h"

#include <gtest/gtest.h>

#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

// Whoever sees whom, one by one, for windows that divide the row and one that does not.
TEST(TrainerStep, WindowsEndWithDocumentsAndWithTheirLength) {
  for (const std::int64_t window : {1, 5, 8, 48, 100}) {
    ModelConfig config = tiny_config();
    config.window = window;
    const Parameters parameters = Parameters::random(config, 1, torch::kCPU);
    const PackedBatch batch = small_batch(config);
    const Step step(parameters, batch, {});
    const std::int64_t block = step.query_block();
    EXPECT_TRUE(block >= window || block == 48);
    EXPECT_EQ(48 % block, 0);
    const auto* documents = batch.documents.data_ptr<std::int64_t>();
    for (std::int64_t query = 0; query < 48; ++query) {
      if (documents[query] < 0) continue;
      const torch::Tensor hidden = step.window_hidden()[0][query / block][query % block];
      for (std::int64_t place = 0; place < 2 * block; ++place) {
        const std::int64_t key = (query / block - 1) * block + place;
        const bool seen = key >= 0 && key <= query && query - key < window && documents[key] == documents[query];
        EXPECT_EQ(hidden[place].item<bool>(), !seen) << window << " " << query << " " << key;
      }
    }
  }
}

TEST(TrainerStep, EntriesAreSeenOnceTheirBlockEnded) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = Parameters::random(config, 1, torch::kCPU);
  const PackedBatch batch = small_batch(config);
  const Step step(parameters, batch, {});
  const EntryPlan& plan = batch.plan(4);
  for (std::int64_t query = 0; query < 48; ++query)
    for (std::int64_t entry = 0; entry < 12; ++entry) {
      const bool seen = plan.documents[0][entry].equal(batch.documents[0][query]) &&
                        plan.first[0][entry].item<std::int64_t>() + 3 <= query;
      EXPECT_EQ(step.entries(4).hidden[0][query][entry].item<bool>(), !seen) << query << " " << entry;
    }
}

TEST(TrainerStep, TheWarmUpMovesTheIndexerAlone) {
  const ModelConfig config = tiny_config();
  const Parameters parameters = Parameters::random(config, 1, torch::kCPU);
  const PackedBatch batch = small_batch(config);
  const Step step(parameters, batch, {.attention = AttentionStage::indexer_warmup});
  EXPECT_FALSE(step.weight("layers.1.attn.wq_a").requires_grad());
  EXPECT_TRUE(step.weight("layers.1.attn.indexer.wq_b").requires_grad());
  EXPECT_TRUE(step.wide_weight("layers.1.attn.indexer.compressor.ape").requires_grad());
}

}  // namespace
}  // namespace fathom::train
