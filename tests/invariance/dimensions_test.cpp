// Other dimensions than the oracles': what a shape may be, the whole model must be on every backend. Sizes that no
// vector, tile or scale block divides, one of a thing, none of a thing, more choices than there are entries.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "fathom/apps/backend_choice.h"
#include "fathom/model/transformer.h"
#include "tests/model/small_model.h"

namespace fathom::testing {
namespace {

struct Shape {
  std::string name;
  void (*change)(ModelConfig& config);  // of small_config(), whose sizes are odd already
};

class Dimensions : public ::testing::TestWithParam<Shape> {
 protected:
  static ModelConfig config() {
    ModelConfig config = small_config();
    GetParam().change(config);
    return config;
  }

  // Logits of kTokens tokens fed in chunks, the trunk's and behind them the MTP block's.
  std::vector<float> answers(const std::string& backend_name, CacheStorage storage, std::int64_t chunk) const {
    const auto backend = make_backend({backend_name, 2});
    Transformer transformer(model_.checkpoint(), *backend, {.storage = storage});
    SequenceCache cache = transformer.make_cache();
    std::vector<std::int32_t> ids;
    for (std::int64_t token = 0; token < kTokens; ++token)
      ids.push_back(static_cast<std::int32_t>(token * 31 % model_.checkpoint()->config().vocab));
    std::vector<float> answers;
    std::vector<float> drafts;
    const auto keep = [](std::vector<float>& list, View<const float, 2> logits) {
      list.insert(list.end(), logits.data(), logits.data() + logits.size());
    };
    while (cache.tokens() < kTokens) {
      const std::int64_t length = std::min(chunk, kTokens - cache.tokens());
      const BatchRun run{
          .cache = &cache,
          .ids = std::span(ids).subspan(static_cast<std::size_t>(cache.tokens()), static_cast<std::size_t>(length))};
      keep(answers, transformer.forward({&run, 1}));
      if (model_.checkpoint()->config().mtp_layers == 0) continue;
      keep(drafts, transformer.draft({&run, 1}, transformer.final_streams()));
    }
    answers.insert(answers.end(), drafts.begin(), drafts.end());
    return answers;
  }

  static constexpr std::int64_t kTokens = 61;
  const SmallModel model_{config()};
};

TEST_P(Dimensions, BackendsAgreeToTheLastBit) {
  for (const CacheStorage storage : {CacheStorage::float32, CacheStorage::released}) {
    const std::vector<float> expected = answers("reference", storage, kTokens);
    for (const float value : expected) ASSERT_TRUE(std::isfinite(value));
    const std::vector<float> found = answers("cpu", storage, kTokens);
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0);
  }
}

TEST_P(Dimensions, ChunksChangeNothing) {
  const std::vector<float> expected = answers("cpu", CacheStorage::released, kTokens);
  for (const std::int64_t chunk : {1, 5, 32}) {
    const std::vector<float> found = answers("cpu", CacheStorage::released, chunk);
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0) << "chunks of " << chunk;
  }
}

const Shape kShapes[] = {{"AsSmallAsCanBe",
                          [](ModelConfig& config) {
                            config.vocab = 2;
                            config.channels = config.expert_dim = 32;
                            config.heads = config.output_groups = config.index_heads = config.index_topk = 1;
                            config.query_latent = config.output_latent = config.window = 1;
                            config.experts = config.selected_experts = 1;
                          }},
                         {"NoVectorDividesIt",
                          [](ModelConfig& config) {
                            config.vocab = 389;
                            config.channels = 224;
                            config.expert_dim = 160;
                            config.heads = 9;
                            config.output_groups = 3;
                            config.query_latent = 77;
                            config.output_latent = 13;
                            config.experts = 19;
                            config.selected_experts = 7;
                          }},
                         {"ScaleBlocksHaveEdges",
                          [](ModelConfig& config) {
                            config.head_dim = 200;  // three groups of 64 FP8 values and a part
                            config.channels = 160;
                            config.query_latent = 130;
                            config.index_dim = 128;
                          }},
                         {"MoreChoicesThanEntries", [](ModelConfig& config) { config.index_topk = 1000; }},
                         {"AWindowBeyondTheText", [](ModelConfig& config) { config.window = 128; }},
                         {"OneHashLayerAndNoMtp",
                          [](ModelConfig& config) {
                            config.hash_layers = 1;
                            config.mtp_layers = 0;
                            config.compress_ratios.pop_back();
                          }},
                         {"NoHashLayer", [](ModelConfig& config) { config.hash_layers = 0; }},
                         {"HcaFirstAndNoSlidingLayer",
                          [](ModelConfig& config) {
                            config.mtp_layers = 0;
                            config.compress_ratios = {128, 4, 32, 4};
                          }},
                         {"SlidingAlone",
                          [](ModelConfig& config) {
                            config.mtp_layers = 0;
                            config.compress_ratios = {0, 0, 0, 0};
                          }},
                         {"OneStream", [](ModelConfig& config) { config.streams = 1; }},
                         {"ExpertsInFp8", [](ModelConfig& config) {
                            config.expert_format = ExpertFormat::fp8;
                            config.channels = 130;
                            config.expert_dim = 70;
                          }}};

INSTANTIATE_TEST_SUITE_P(Shapes, Dimensions, ::testing::ValuesIn(kShapes),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace fathom::testing
