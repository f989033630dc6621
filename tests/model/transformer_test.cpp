#include "fathom/model/transformer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

class TransformerTest : public RecordedModelTest {
 protected:
  std::string error_of(std::span<const BatchRun> batch) {
    try {
      transformer_.forward(batch);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
};

TEST_F(TransformerTest, TheEmbeddingStartsAllStreams) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 3);
  const Call embed = recorder_.only("embed", "embed");
  ASSERT_EQ(embed.view("streams").shape, (std::vector<std::int64_t>{3, 3, 64}));
  const auto& values = embed.view("streams").values;
  for (std::size_t token = 0; token < 3; ++token)
    for (std::size_t stream = 1; stream < 3; ++stream)
      for (std::size_t channel = 0; channel < 64; ++channel)
        ASSERT_EQ(values[(token * 3 + stream) * 64 + channel], values[token * 3 * 64 + channel]);
  EXPECT_EQ(embed.integers, (std::vector<std::int64_t>{id_at(0), id_at(1), id_at(2)}));
  EXPECT_EQ(recorder_.all("hyper_connection_gates").front().view("streams").values, values);
}

TEST_F(TransformerTest, BlocksComeInOrder) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 2);
  std::size_t last = 0;
  for (int layer = 0; layer < 4; ++layer)
    for (const char* part : {"hc_attn_fn", "attn.wq_a", "hc_ffn_fn", "ffn.gate"}) {
      const std::size_t index = recorder_.only("linear", fmt::format("layers.{}.{}", layer, part)).index;
      EXPECT_GT(index, last);
      last = index;
    }
  EXPECT_GT(recorder_.only("linear", "hc_head_fn").index, last);
}

TEST_F(TransformerTest, TheHeadMixesBeforeItNorms) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 4);
  const Call mix = recorder_.only("linear", "hc_head_fn");
  const Call gates = recorder_.only("hyper_connection_head");
  const Call collapse = recorder_.next("collapse_streams", gates.index);
  const Call norm = recorder_.next("rms_norm", gates.index);
  const Call head = recorder_.only("linear", "head");
  EXPECT_EQ((std::vector<std::size_t>{mix.index + 1, mix.index + 2, mix.index + 3, mix.index + 4}),
            (std::vector<std::size_t>{gates.index, collapse.index, norm.index, head.index}));
  EXPECT_EQ(gates.view("mix").values, mix.view("out").values);
  EXPECT_EQ(gates.view("scale").values, model_.checkpoint()->floats("hc_head_scale"));
  EXPECT_EQ(gates.number("eps"), static_cast<double>(1e-3F));
  EXPECT_EQ(gates.number("norm_eps"), static_cast<double>(1e-5F));
  EXPECT_EQ(norm.view("x").values, collapse.view("out").values);
  EXPECT_EQ(norm.view("weight").values, model_.checkpoint()->floats("norm.weight"));
  EXPECT_EQ(head.view("x").values, norm.view("out").values);
}

TEST_F(TransformerTest, AnglesArePlainAndYarnAndPerEntry) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 7);
  recorder_.forget();
  feed(cache, 6);  // positions 7 to 12; whole become block 1 and 2 of ratio 4 and block 1 of ratio 6
  const auto tables = recorder_.all("rotary_table");
  ASSERT_EQ(tables.size(), 4U);
  const auto yarn = yarn_formula(16, 50000.0, config_.yarn);
  expect_close(tables[0].view("frequencies").values, plain_formula(16, 1000.0), 1e-6, "layers without compression");
  for (std::size_t table = 1; table < 4; ++table)
    expect_close(tables[table].view("frequencies").values, yarn, 1e-6, "layers with compression and entries");
  const std::vector<std::int64_t> positions{7, 8, 9, 10, 11, 12};
  EXPECT_EQ(tables[0].integers, positions);
  EXPECT_EQ(tables[1].integers, positions);
  EXPECT_EQ(tables[2].integers, (std::vector<std::int64_t>{4, 8}));
  EXPECT_EQ(tables[3].integers, (std::vector<std::int64_t>{6}));
}

TEST_F(TransformerTest, TheIndexerRoundsInCsaAlone) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 14);
  for (const char* operation : {"round_index", "index_top_k", "store_index_keys"})
    EXPECT_EQ(recorder_.all(operation).size(), 2U) << operation << ": blocks 1 and 3 are CSA";
  EXPECT_EQ(recorder_.all("hadamard").size(), 4U);  // keys and queries
  EXPECT_EQ(recorder_.all("store_entries").size(), 3U);
  EXPECT_EQ(recorder_.all("sparse_attention").size(), 4U);
}

TEST_F(TransformerTest, OnlyTheWantedPositionsGetLogits) {
  SequenceCache whole = transformer_.make_cache();
  const auto all = feed(whole, 9);
  for (const std::int64_t from : {0, 1, 8, 9}) {
    SequenceCache cache = transformer_.make_cache();
    EXPECT_EQ(feed(cache, 9, from), std::vector<float>(all.begin() + from * 57, all.end()));
    EXPECT_EQ(cache.tokens(), 9);
  }
}

TEST_F(TransformerTest, ABatchGivesTheWantedRowsInRunOrder) {
  std::vector<SequenceCache> caches;
  for (int index = 0; index < 3; ++index) caches.push_back(transformer_.make_cache());
  const std::vector<std::int32_t> texts[] = {{3, 1, 4, 1, 5}, {9, 2, 6}, {5, 3, 5, 8}};
  std::vector<float> expected;
  for (std::size_t index = 0; index < 3; ++index) {
    SequenceCache alone = transformer_.make_cache();
    const BatchRun run{.cache = &alone, .ids = texts[index], .logits_from = static_cast<std::int64_t>(index) + 1};
    const auto logits = transformer_.forward({&run, 1});
    expected.insert(expected.end(), logits.span().begin(), logits.span().end());
  }
  const BatchRun batch[] = {{.cache = &caches[0], .ids = texts[0], .logits_from = 1},
                            {.cache = &caches[1], .ids = texts[1], .logits_from = 2},
                            {.cache = &caches[2], .ids = texts[2], .logits_from = 3}};
  const auto logits = transformer_.forward(batch);
  EXPECT_EQ(logits.shape(), (std::array<std::int64_t, 2>{4 + 1 + 1, 57}));
  EXPECT_EQ(std::vector<float>(logits.span().begin(), logits.span().end()), expected);
}

TEST_F(TransformerTest, TheObserverSeesEveryTrunkBlock) {
  SeenByObserver seen;
  SequenceCache cache = transformer_.make_cache();
  const BatchRun run{.cache = &cache, .ids = std::span(ids_).first(5)};
  const auto logits = transformer_.forward({&run, 1}, &seen);
  const std::vector<float> observed(logits.span().begin(), logits.span().end());
  ASSERT_EQ(seen.streams.size(), 4U);
  for (std::int64_t block = 0; block < 4; ++block)
    EXPECT_EQ(seen.streams[static_cast<std::size_t>(block)].first, block);
  const auto kept = transformer_.final_streams().span();
  EXPECT_EQ(seen.streams.back().second, std::vector<float>(kept.begin(), kept.end()));
  EXPECT_EQ(seen.routes.size(), 4U);
  EXPECT_EQ(seen.indexes.size(), 2U);
  SequenceCache again = transformer_.make_cache();
  EXPECT_EQ(feed(again, 5), observed) << "looking changes nothing";
}

TEST_F(TransformerTest, AnUnknownIdIsTheCallersFaultAndLeavesTheSequenceAlone) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 10);
  for (const std::int32_t id : {57, -1, 2147483647}) {
    const std::vector<std::int32_t> ids{3, id};
    const BatchRun run{.cache = &cache, .ids = ids};
    const std::string error = error_of({&run, 1});
    EXPECT_NE(error.find(std::to_string(id)), std::string::npos) << error;
    EXPECT_NE(error.find("57"), std::string::npos) << error;
  }
  EXPECT_EQ(cache.tokens(), 10);
  SequenceCache straight = transformer_.make_cache();
  feed(straight, 10);
  EXPECT_EQ(feed(cache, 3), feed(straight, 3));
}

TEST_F(TransformerTest, PositionsEnd) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 299, 299);
  const std::vector<std::int32_t> two{1, 2};
  const BatchRun run{.cache = &cache, .ids = two};
  const std::string error = error_of({&run, 1});
  EXPECT_NE(error.find("301"), std::string::npos) << error;
  EXPECT_NE(error.find("300"), std::string::npos) << error;
  EXPECT_EQ(cache.tokens(), 299);
  EXPECT_EQ(feed(cache, 1).size(), 57U);
  EXPECT_EQ(cache.tokens(), 300);
}

TEST_F(TransformerTest, BrokenBatchesAreOurFault) {
  SequenceCache cache = transformer_.make_cache();
  const std::vector<std::int32_t> ids{1, 2};
  const BatchRun empty{.cache = &cache, .ids = {}};
  EXPECT_THROW(transformer_.forward({&empty, 1}), InternalError);
  const BatchRun beyond{.cache = &cache, .ids = ids, .logits_from = 3};
  EXPECT_THROW(transformer_.forward({&beyond, 1}), InternalError);
  const BatchRun before{.cache = &cache, .ids = ids, .logits_from = -1};
  EXPECT_THROW(transformer_.forward({&before, 1}), InternalError);
  const BatchRun twice[] = {{.cache = &cache, .ids = ids}, {.cache = &cache, .ids = ids}};
  EXPECT_THROW(transformer_.forward(twice), InternalError);
  EXPECT_EQ(cache.tokens(), 0);
}

TEST_F(TransformerTest, AnEmptyBatchGivesNoLogits) { EXPECT_EQ(transformer_.forward({}).extent(0), 0); }

TEST_F(TransformerTest, AStepOfAKnownSizeAllocatesNothing) {
  SequenceCache cache = transformer_.make_cache();
  feed(cache, 20);
  const void* place = recorder_.all("embed").back().view("streams").place;
  for (int round = 0; round < 5; ++round) feed(cache, 20);
  EXPECT_EQ(recorder_.all("embed").back().view("streams").place, place);
}

}  // namespace
}  // namespace fathom::testing
