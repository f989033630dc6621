#include "fathom/model/lightning_indexer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

constexpr std::int64_t kLayer = 1;  // CSA
constexpr const char* kPrefix = "layers.1.attn.indexer.";

class IndexerTest : public PartTest {
 protected:
  explicit IndexerTest(CacheStorage storage = CacheStorage::released) : PartTest(storage) {}

  std::vector<std::int32_t> select(const std::vector<std::int64_t>& lengths) {
    recorder_.forget();
    const Step step = next_step(lengths);
    x_ = random_rows(step.tokens(), config_.channels);
    latent_ = random_rows(step.tokens(), config_.query_latent);
    const LightningIndexer indexer(config_, layout_.index_key, kLayer, *weights_.layers[kLayer].attn.indexer);
    std::vector<LinearOutput> of_x;
    std::vector<LinearOutput> of_latent;
    const IndexerInput input = indexer.plan_input(step, of_x, of_latent);
    recorder_.linears({.x = x_, .outputs = of_x});
    recorder_.linears({.x = latent_, .outputs = of_latent});
    const CompressorPlan plan = indexer.keys_plan(step);
    recorder_.complete_entries(indexer.completed_keys(step, plan, input.keys));
    const auto selected = indexer.select(step, input);
    end_step();
    return {selected.span().begin(), selected.span().end()};
  }
  Call query_projection() const { return recorder_.only("linear", std::string(kPrefix) + "wq_b"); }
  // Of queries, which alone have heads.
  Call query_rotation() const {
    for (const Call& rotation : recorder_.all("rotate"))
      if (rotation.view("x").shape[1] > 1) return rotation;
    throw std::out_of_range("no query turned");
  }

  View<const float, 2> x_;
  View<const float, 2> latent_;
};

TEST_F(IndexerTest, KeysGoThroughHadamardAfterTheyTurn) {
  select({9});
  const Call pool = recorder_.only("gated_pool");
  const Call rotation = recorder_.next("rotate", pool.index);
  const Call hadamard = recorder_.next("hadamard", pool.index);
  EXPECT_EQ(hadamard.index, rotation.index + 1);
  EXPECT_EQ(hadamard.view("x").values, rotation.view("after.x").values);
  EXPECT_EQ(recorder_.only("store_index_keys").view("x").values, hadamard.view("after.x").values);
}

TEST_F(IndexerTest, QueriesGoThroughHadamardAfterTheyTurn) {
  select({5});
  const Call rotation = query_rotation();
  const Call hadamard = recorder_.next("hadamard", rotation.index);
  EXPECT_EQ(rotation.view("x").values, query_projection().view("out").values) << "no norm in between";
  EXPECT_EQ(rotation.view("x").shape, (std::vector<std::int64_t>{5, 3, 32}));
  EXPECT_EQ(hadamard.index, rotation.index + 1);
  EXPECT_EQ(hadamard.view("x").values, rotation.view("after.x").values);
  EXPECT_EQ(hadamard.view("x").shape, (std::vector<std::int64_t>{15, 32})) << "each head by itself";
}

TEST_F(IndexerTest, KeysAndQueriesTurnByTheLayersAngles) {
  select({9});
  const auto frequencies = yarn_formula(16, 50000.0, config_.yarn);
  expect_close(query_rotation().view("cosine").values, cosines({0, 1, 2, 3, 4, 5, 6, 7, 8}, frequencies), 1e-5,
               "queries");
  expect_close(recorder_.next("rotate", recorder_.only("gated_pool").index).view("cosine").values,
               cosines({0, 4}, frequencies), 1e-5, "keys, at the first token of their block");
}

TEST_F(IndexerTest, KeysAndQueriesAreRoundedInReleasedStorage) {
  select({9});
  const Call rounding = recorder_.only("round_index");
  EXPECT_EQ(rounding.index, recorder_.next("hadamard", query_rotation().index).index + 1);
  EXPECT_NE(rounding.view("after.x").values, rounding.view("x").values);
  EXPECT_EQ(recorder_.only("index_top_k").view("q").values, rounding.view("after.x").values);
  EXPECT_EQ(recorder_.only("store_index_keys").number("row_bytes"), 32 / 2 + 1) << "FP4 and one scale";
}

class Float32IndexerTest : public IndexerTest {
 protected:
  Float32IndexerTest() : IndexerTest(CacheStorage::float32) {}
};

TEST_F(Float32IndexerTest, NeitherKeysNorQueriesAreRounded) {
  select({9});
  EXPECT_TRUE(recorder_.all("round_index").empty());
  EXPECT_EQ(recorder_.only("index_top_k").view("q").values,
            recorder_.next("hadamard", query_rotation().index).view("after.x").values);
  EXPECT_EQ(recorder_.only("store_index_keys").number("row_bytes"), 32 * 4);
}

// I[t, s] = sum_h w[t, h] relu(q[t, h] . k[s]) over the blocks that are whole at t, in double precision.
TEST_F(Float32IndexerTest, TheBestVisibleEntriesAreChosenBestFirst) {
  std::vector<float> keys;  // [entries, 32]
  std::int64_t start = 0;
  for (const std::int64_t length : {7, 1, 14, 3}) {
    const std::vector<std::int32_t> found = select({length});
    const auto stored = recorder_.only("store_index_keys").view("x").values;
    keys.insert(keys.end(), stored.begin(), stored.end());
    const auto q = recorder_.only("index_top_k").view("q").values;
    const auto weights = recorder_.only("linear", std::string(kPrefix) + "weights_proj").view("out").values;
    for (std::int64_t token = 0; token < length; ++token) {
      std::vector<std::pair<double, std::int32_t>> scored;
      for (std::int32_t entry = 0; entry < (start + token + 1) / 4; ++entry) {
        double score = 0.0;
        for (std::int64_t head = 0; head < 3; ++head) {
          double product = 0.0;
          for (std::int64_t column = 0; column < 32; ++column)
            product += static_cast<double>(q[(token * 3 + head) * 32 + column]) *
                       static_cast<double>(keys[entry * 32 + column]);
          score += static_cast<double>(weights[token * 3 + head]) * std::max(product, 0.0);
        }
        scored.emplace_back(-score, entry);
      }
      std::sort(scored.begin(), scored.end());
      std::vector<std::int32_t> expected;
      for (std::size_t rank = 0; rank < std::min<std::size_t>(2, scored.size()); ++rank)
        expected.push_back(scored[rank].second);
      expected.resize(2, -1);
      EXPECT_EQ(std::vector<std::int32_t>(found.begin() + token * 2, found.begin() + token * 2 + 2), expected)
          << "position " << start + token;
    }
    start += length;
  }
}

TEST_F(IndexerTest, QueriesComeFromTheLatentAndWeightsFromTheInput) {
  select({4});
  EXPECT_EQ(query_projection().view("x").place, latent_.data());
  EXPECT_EQ(recorder_.only("linear", std::string(kPrefix) + "weights_proj").view("x").place, x_.data());
  EXPECT_EQ(recorder_.only("linear", std::string(kPrefix) + "compressor.wkv").view("x").place, x_.data());
  EXPECT_EQ(recorder_.only("index_top_k").view("weights").values,
            recorder_.only("linear", std::string(kPrefix) + "weights_proj").view("out").values);
}

TEST_F(IndexerTest, ItsCompressorOverlapsAndHasTailsOfItsOwn) {
  select({5});
  const Call pool = recorder_.only("gated_pool");
  EXPECT_EQ(pool.number("overlap"), 1.0);
  EXPECT_EQ(pool.number("ratio"), 4.0);
  EXPECT_EQ(pool.view("kv").shape.back(), 2 * 32);
  EXPECT_EQ(pool.view("out").shape, (std::vector<std::int64_t>{1, 32}));
}

TEST_F(IndexerTest, EarlyQueriesSeeNothing) {
  EXPECT_EQ(select({3}), (std::vector<std::int32_t>(6, -1)));
  EXPECT_EQ(select({1}), (std::vector<std::int32_t>{0, -1})) << "the query that completes a block sees it";
}

TEST_F(IndexerTest, TheObserverSeesTheChoice) {
  const auto found = select({6, 4});
  ASSERT_EQ(seen_.indexes.size(), 1U);
  EXPECT_EQ(seen_.indexes.front().first, kLayer);
  EXPECT_EQ(seen_.indexes.front().second, found);
}

}  // namespace
}  // namespace fathom::testing
