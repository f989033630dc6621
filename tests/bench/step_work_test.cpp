// Bytes and operations against figures worked out by hand from the shapes.
#include "fathom/bench/step_work.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "fathom/spec/layer_choice.h"
#include "fathom/spec/model_size.h"

namespace fathom::bench {
namespace {

const Work& at(const ByStage<Work>& work, Stage stage) { return work[static_cast<std::size_t>(stage)]; }

// One token at position 300 of tiny-flash: six layers of ratios 0, 0, 4, 128, 4, 128, the first two hashed; 128
// channels, 4 streams, 4 heads of 128, query latent 64, 2 groups of 32, 8 experts of 64, 3 of them chosen, vocabulary
// 512, window 32, 16 index heads of 64, top 16. FP8 bytes: out * in + ceil(out / 128) * ceil(in / 128).
TEST(StepWork, TinyFlashByHand) {
  const ModelConfig config = without_mtp(preset_model_config("tiny-flash"));
  const std::vector<CountedRun> runs = {{.start = 300, .tokens = 1, .logits = 1}};
  const std::vector<LayerChoice> choices = {{3, 0}, {3, 0}, {3, 16}, {3, 0}, {3, 16}, {3, 0}};
  const ByStage<Work> work = StepWork(config, CacheStorage::released).count(runs, choices);

  EXPECT_EQ(at(work, Stage::wq_a).bytes, 6 * (64 * 128 + 1));
  EXPECT_EQ(at(work, Stage::wq_a).flops, 6 * 2 * 64 * 128);
  EXPECT_EQ(at(work, Stage::wq_b).bytes, 6 * (512 * 64 + 4));
  EXPECT_EQ(at(work, Stage::wkv).bytes, 6 * (128 * 128 + 1));
  EXPECT_EQ(at(work, Stage::wo_a).bytes, 6 * (64 * 256 + 2));
  EXPECT_EQ(at(work, Stage::wo_a).flops, 6 * 2 * 64 * 256);
  EXPECT_EQ(at(work, Stage::wo_b).bytes, 6 * (128 * 64 + 1));
  // bfloat16 maps, four biases, and in two layers a row of three int64.
  EXPECT_EQ(at(work, Stage::router).bytes, 6 * 8 * 128 * 2 + 4 * 8 * 4 + 2 * 3 * 8);
  EXPECT_EQ(at(work, Stage::router).flops, 6 * 2 * 8 * 128);
  // FP4: half a byte a value and a scale per 32 columns, of w1, w2 and w3.
  EXPECT_EQ(at(work, Stage::experts).bytes, 6 * 3 * (2 * (64 * 64 + 64 * 4) + 128 * 32 + 128 * 2));
  EXPECT_EQ(at(work, Stage::experts).flops, 6 * 3 * 2 * 3 * 64 * 128);
  EXPECT_EQ(at(work, Stage::shared_expert).bytes, 6 * 3 * (64 * 128 + 1));
  EXPECT_EQ(at(work, Stage::hyper_connections).bytes, 6 * 2 * (24 * 512 + 24 + 3) * 4 + (4 * 512 + 4 + 1) * 4);
  EXPECT_EQ(at(work, Stage::hyper_connections).flops, 6 * 2 * 2 * 24 * 512 + 2 * 4 * 512);
  EXPECT_EQ(at(work, Stage::norm).bytes, 2 * (6 * (128 + 128 + 64 + 128) + 4 * 128 + 2 * 64 + 128));
  EXPECT_EQ(at(work, Stage::norm).flops, 0);
  EXPECT_EQ(at(work, Stage::compressor).bytes,
            2 * (2 * 256 * 128 * 2 + 4 * 256 * 4) + 2 * (2 * 128 * 128 * 2 + 128 * 128 * 4));
  EXPECT_EQ(at(work, Stage::compressor).flops, 2 * (2 * 2 * 256 * 128) + 2 * (2 * 2 * 128 * 128));
  EXPECT_EQ(at(work, Stage::indexer).bytes, 2 * (1024 * 64 + 8 + 16 * 128 * 2 + 2 * 128 * 128 * 2 + 4 * 128 * 4));
  // 300 / 4 = 75 whole blocks are scored in each of two layers; a key is 32 bytes of codes and two scales.
  EXPECT_EQ(at(work, Stage::index_top_k).bytes, 2 * 75 * 34);
  EXPECT_EQ(at(work, Stage::index_top_k).flops, 2 * 75 * 2 * 16 * 64);
  // 32 rows of the window a layer, 16 entries in two, 2 whole blocks of 128 in two; 64 + 128 + 1 bytes, padded: 200.
  EXPECT_EQ(at(work, Stage::attention).bytes, (6 * 32 + 2 * 16 + 2 * 2) * 200 + 6 * 4 * 4);
  EXPECT_EQ(at(work, Stage::attention).flops, (6 * 32 + 2 * 16 + 2 * 2) * 4 * 4 * 128);
  EXPECT_EQ(at(work, Stage::head).bytes, 512 * 128 * 2);
  EXPECT_EQ(at(work, Stage::head).flops, 2 * 512 * 128);
  EXPECT_EQ(at(work, Stage::embed).bytes, 128 * 2);
  EXPECT_EQ(at(work, Stage::rotary).bytes, 0);
}

// Flash's first three layers, a decoded token at 256: two windows and one CSA layer, all hashed.
TEST(StepWork, FlashByHand) {
  const ModelConfig config = without_mtp(with_first_layers(preset_model_config("deepseek-v4-flash"), 3));
  const std::vector<CountedRun> runs = {{.start = 256, .tokens = 1, .logits = 1}};
  const std::vector<LayerChoice> choices = {{6, 0}, {6, 0}, {6, 64}};
  const ByStage<Work> work = StepWork(config, CacheStorage::released).count(runs, choices);
  EXPECT_EQ(at(work, Stage::experts).bytes, 18.0 * 13'369'344);
  EXPECT_EQ(at(work, Stage::experts).flops, 18.0 * 2 * 3 * 2048 * 4096);
  EXPECT_EQ(at(work, Stage::wq_b).bytes, 3.0 * (33'554'432 + 2'048));
  EXPECT_EQ(at(work, Stage::head).bytes, 1'059'061'760.0);
  EXPECT_EQ(at(work, Stage::attention).bytes, (3 * 128 + 64) * 584.0 + 3 * 64 * 4);
  EXPECT_EQ(at(work, Stage::index_top_k).bytes, 64 * 68.0);
}

// Every expert chosen by a first token: the whole model is read, but for the tables of which only rows are.
TEST(StepWork, AllExpertsAreTheWholeModel) {
  for (const char* name : {"deepseek-v4-flash", "minnow", "tiny-flash"}) {
    const ModelConfig config = without_mtp(with_first_layers(preset_model_config(name), 4));
    const std::vector<LayerChoice> choices(4, LayerChoice{.experts = config.experts});
    const std::vector<CountedRun> runs = {{.start = 0, .tokens = 1, .logits = 1}};
    const double bytes = total(StepWork(config, CacheStorage::released).count(runs, choices)).bytes;
    const double tables =
        static_cast<double>(config.vocab * (config.channels * 2 + config.hash_layers * config.selected_experts * 8));
    const EntryFormat entry{CacheStorage::released, config.head_dim, config.rope_dim};
    const double rows = tables / static_cast<double>(config.vocab) + 4.0 * static_cast<double>(entry.row_bytes());
    EXPECT_DOUBLE_EQ(bytes, static_cast<double>(model_size(config).stored.bytes) - tables + rows) << name;
  }
}

TEST(StepWork, DenseWeightsAreReadOnceByABatch) {
  const ModelConfig config = without_mtp(preset_model_config("tiny-flash"));
  const StepWork counter(config, CacheStorage::released);
  const std::vector<LayerChoice> choices(6, LayerChoice{.experts = 5, .entries = 32});
  const std::vector<CountedRun> one = {{.start = 300, .tokens = 1, .logits = 1}};
  const std::vector<CountedRun> two = {{.start = 300, .tokens = 1, .logits = 1},
                                       {.start = 40, .tokens = 1, .logits = 1}};
  const ByStage<Work> single = counter.count(one, choices);
  const ByStage<Work> both = counter.count(two, choices);
  EXPECT_EQ(at(both, Stage::wq_b).bytes, at(single, Stage::wq_b).bytes);
  EXPECT_EQ(at(both, Stage::wq_b).flops, 2 * at(single, Stage::wq_b).flops);
  EXPECT_EQ(at(both, Stage::experts).bytes, at(single, Stage::experts).bytes);
  EXPECT_EQ(at(both, Stage::experts).flops, 2 * at(single, Stage::experts).flops);
  EXPECT_EQ(at(both, Stage::index_top_k).bytes, 2 * (75 + 10) * 34);
}

// Ten tokens from the start: 1 + 2 + .. + 10 keys of the window, 4 / 4, .. 10 / 4 blocks visible.
TEST(StepWork, APromptsKeysAreTheTriangle) {
  const ModelConfig config = without_mtp(preset_model_config("tiny-flash"));
  const std::vector<LayerChoice> choices(6, LayerChoice{.experts = 8, .entries = 0});
  const std::vector<CountedRun> runs = {{.start = 0, .tokens = 10, .logits = 0}};
  const ByStage<Work> work = StepWork(config, CacheStorage::float32).count(runs, choices);
  const double visible = 4 * 1 + 3 * 2;  // positions 3 to 6 see one block, 7 to 9 two
  EXPECT_EQ(at(work, Stage::attention).flops, (6 * 55 + 2 * visible) * 4 * 4 * 128);
  EXPECT_EQ(at(work, Stage::attention).bytes, 6 * 10 * 128 * 4 + 6 * 4 * 4);
  EXPECT_EQ(at(work, Stage::index_top_k).flops, 2 * visible * 2 * 16 * 64);
  EXPECT_EQ(at(work, Stage::index_top_k).bytes, 2 * 2 * 64 * 4);
  EXPECT_EQ(at(work, Stage::head).bytes, 0);
  EXPECT_EQ(at(work, Stage::head).flops, 0);
}

TEST(StepWork, ChoicesAreOneALayer) {
  const StepWork counter(without_mtp(preset_model_config("tiny-flash")), CacheStorage::released);
  EXPECT_THROW(counter.count({}, std::vector<LayerChoice>(5)), InternalError);
}

}  // namespace
}  // namespace fathom::bench
