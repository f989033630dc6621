#include "fathom/model/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

// Blocks of small_config().
constexpr std::int64_t kSliding = 0;
constexpr std::int64_t kCsa = 1;
constexpr std::int64_t kHca = 2;
constexpr std::int64_t kMtp = 4;

class AttentionTest : public PartTest {
 protected:
  AttentionTest() = default;
  explicit AttentionTest(CacheStorage storage) : PartTest(storage) {}

  // One step of `block` over random input; only this step is recorded.
  std::vector<float> attend(std::int64_t block, const std::vector<std::int64_t>& lengths) {
    recorder_.forget();
    const Step step = next_step(lengths);
    const auto x = random_rows(step.tokens(), config_.channels);
    const auto out = arena_.take<float, 2>({step.tokens(), config_.channels});
    Attention(config_, layout_, block, weights_of(block)).forward(step, x, out);
    end_step();
    return {out.span().begin(), out.span().end()};
  }
  const AttentionWeights& weights_of(std::int64_t block) const {
    return block == kMtp ? weights_.mtp.front().block.attn : weights_.layers[static_cast<std::size_t>(block)].attn;
  }
  std::string prefix(std::int64_t block) const {
    return block == kMtp ? "mtp.0.attn." : fmt::format("layers.{}.attn.", block);
  }
  // The window keys that the recorded step made, as they lie in the cache.
  std::vector<std::vector<float>> decoded_keys() const {
    const Recorded rows = recorder_.only("encode_entries").view("rows");
    const auto row_bytes = static_cast<std::size_t>(layout_.entry.row_bytes());
    std::vector<std::byte> bytes;
    for (const float byte : rows.values) bytes.push_back(static_cast<std::byte>(static_cast<int>(byte)));
    std::vector<std::vector<float>> keys;
    for (std::size_t first = 0; first < bytes.size(); first += row_bytes) {
      keys.emplace_back(90);
      decode_entry(layout_.entry, std::span(bytes).subspan(first, row_bytes), keys.back());
    }
    return keys;
  }
  // The rotation of the queries: the first behind wq_b.
  Call query_rotation(std::int64_t block) const {
    return recorder_.next("rotate", recorder_.only("linear", prefix(block) + "wq_b").index);
  }
  Call key_rotation(std::int64_t block) const { return recorder_.next("rotate", query_rotation(block).index); }
};

TEST_F(AttentionTest, CompressLayersTurnQueriesAndKeysByTheCompressThetaWithYarn) {
  const auto frequencies = yarn_formula(16, 50000.0, config_.yarn);
  for (const std::int64_t block : {kCsa, kHca}) {
    attend(block, {9});
    const auto expected = cosines({0, 1, 2, 3, 4, 5, 6, 7, 8}, frequencies);
    expect_close(query_rotation(block).view("cosine").values, expected, 1e-5, "queries");
    expect_close(key_rotation(block).view("cosine").values, expected, 1e-5, "window keys");
    forget_sequences();
  }
}

TEST_F(AttentionTest, SlidingLayersAndMtpTurnByThePlainTheta) {
  const auto expected = cosines({0, 1, 2, 3, 4}, plain_formula(16, 1000.0));
  attend(kSliding, {5});
  expect_close(query_rotation(kSliding).view("cosine").values, expected, 1e-5, "queries");
  expect_close(key_rotation(kSliding).view("cosine").values, expected, 1e-5, "window keys");
  EXPECT_TRUE(recorder_.all("gated_pool").empty());
}

TEST_F(AttentionTest, MtpIsASlidingLayer) {
  attend(kMtp, {5});
  expect_close(query_rotation(kMtp).view("cosine").values, cosines({0, 1, 2, 3, 4}, plain_formula(16, 1000.0)), 1e-5,
               "queries");
  EXPECT_EQ(recorder_.only("sparse_attention").number("choice"), static_cast<double>(EntryChoice::none));
}

TEST_F(AttentionTest, EntriesTurnByTheCompressThetaWithYarn) {
  attend(kHca, {13});
  const Call rotation = recorder_.next("rotate", recorder_.only("gated_pool").index);
  expect_close(rotation.view("cosine").values, cosines({0, 6}, yarn_formula(16, 50000.0, config_.yarn)), 1e-5,
               "entries");
}

TEST_F(AttentionTest, TheSoftmaxScaleIsOneOverTheRootOfHeadDim) {
  for (const std::int64_t block : {kSliding, kCsa, kHca}) {
    attend(block, {3});
    EXPECT_EQ(recorder_.only("sparse_attention").number("scale"), static_cast<double>(1.0F / std::sqrt(90.0F)))
        << "YaRN has no say in it";
  }
}

TEST_F(AttentionTest, QueryHeadsAreNormedWithoutAWeightAfterWqBAndBeforeTheyTurn) {
  attend(kCsa, {4});
  const Call projection = recorder_.only("linear", prefix(kCsa) + "wq_b");
  const Call norm = recorder_.next("rms_norm", projection.index);
  EXPECT_EQ(norm.view("x").values, projection.view("out").values);
  EXPECT_EQ(norm.view("weight").place, nullptr);
  EXPECT_EQ(norm.view("x").place, projection.view("out").place);
  EXPECT_EQ(norm.view("x").shape, (std::vector<std::int64_t>{4 * 6, 90})) << "each head by itself";
  EXPECT_EQ(norm.number("eps"), static_cast<double>(1e-5F));
  const Call rotation = query_rotation(kCsa);
  EXPECT_EQ(rotation.index, norm.index + 1);
  EXPECT_EQ(rotation.view("x").values, norm.view("out").values);
  EXPECT_EQ(rotation.view("x").shape, (std::vector<std::int64_t>{4, 6, 90}));
}

TEST_F(AttentionTest, TheQueryLatentIsNormedWithItsWeightBeforeWqB) {
  attend(kSliding, {2});
  const Call latent = recorder_.only("linear", prefix(kSliding) + "wq_a");
  const Call norm = recorder_.next("rms_norm", latent.index);
  EXPECT_EQ(norm.view("x").values, latent.view("out").values);
  EXPECT_EQ(norm.view("weight").values, floats("layers.0.attn.q_norm.weight"));
  EXPECT_EQ(recorder_.only("linear", prefix(kSliding) + "wq_b").view("x").values, norm.view("out").values);
}

TEST_F(AttentionTest, OnlyTheLastRopeDimColumnsTurn) {
  attend(kSliding, {6});
  for (const Call& rotation : recorder_.all("rotate")) {
    const Recorded& before = rotation.view("x");
    const Recorded& after = rotation.view("after.x");
    EXPECT_EQ(rotation.view("cosine").shape.back(), 16 / 2);
    bool turned = false;
    for (std::size_t value = 0; value < before.values.size(); ++value) {
      if (value % 90 < 90 - 16) {
        ASSERT_EQ(after.values[value], before.values[value]) << "column " << value % 90;
      }
      turned = turned || after.values[value] != before.values[value];
    }
    EXPECT_TRUE(turned);
  }
}

TEST_F(AttentionTest, HeadsTurnBackAtTheQuerysPosition) {
  for (const std::int64_t block : {kSliding, kCsa, kHca}) {
    forget_sequences();
    attend(block, {5});
    attend(block, {3});  // from position 5 on
    const Call attention = recorder_.only("sparse_attention");
    const Call back = recorder_.next("rotate", attention.index);
    EXPECT_EQ(back.number("inverse"), 1.0);
    EXPECT_EQ(back.view("x").place, attention.view("out").place);
    EXPECT_EQ(back.view("cosine").values, query_rotation(block).view("cosine").values);
    EXPECT_EQ(back.view("sine").values, query_rotation(block).view("sine").values);
    EXPECT_EQ(query_rotation(block).number("inverse"), 0.0);
    EXPECT_EQ(key_rotation(block).number("inverse"), 0.0);
    EXPECT_EQ(recorder_.only("grouped_linear", prefix(block) + "wo_a").view("x").values, back.view("after.x").values);
  }
}

TEST_F(AttentionTest, FreshRowsAreInTheCachesStorageFromTheStart) {
  attend(kSliding, {4});
  const Call encoding = recorder_.only("encode_entries");
  const Call attention = recorder_.only("sparse_attention");
  const Call commit = recorder_.only("commit_rows");
  EXPECT_EQ(encoding.view("x").values, key_rotation(kSliding).view("after.x").values);
  EXPECT_EQ(encoding.number("row_bytes"), static_cast<double>(layout_.entry.row_bytes()));
  EXPECT_EQ(attention.view("fresh"), encoding.view("rows"));
  EXPECT_EQ(commit.view("rows"), encoding.view("rows"));
}

TEST_F(AttentionTest, WindowRowsAreCommittedAfterAttention) {
  for (const std::int64_t block : {kSliding, kCsa, kHca}) {
    attend(block, {4});
    const Call attention = recorder_.only("sparse_attention");
    int window_commits = 0;
    for (const Call& commit : recorder_.all("commit_rows")) {
      if (commit.places != attention.places) continue;  // a compressor's tail
      EXPECT_GT(commit.index, attention.index);
      ++window_commits;
    }
    EXPECT_EQ(window_commits, 1);
  }
}

// The behaviour behind that order: a run longer than the window, over a full ring.
TEST_F(AttentionTest, ARunLongerThanTheWindowSeesItsOwnStart) {
  attend(kSliding, {5});
  std::vector<std::vector<float>> keys = decoded_keys();
  attend(kSliding, {20});
  const auto later = decoded_keys();
  keys.insert(keys.end(), later.begin(), later.end());
  const Call attention = recorder_.only("sparse_attention");
  const std::vector<float> sink = floats("layers.0.attn.attn_sink");
  std::vector<double> expected;
  for (std::int64_t row = 0; row < 20 * 6; ++row) {
    const std::int64_t position = 5 + row / 6;
    const auto q = std::span(attention.view("q").values).subspan(static_cast<std::size_t>(row * 90), 90);
    double sum = std::exp(static_cast<double>(sink[row % 6]));
    std::vector<double> mixed(90);
    for (std::int64_t key = std::max<std::int64_t>(0, position - 6); key <= position; ++key) {
      double product = 0.0;
      for (std::size_t column = 0; column < 90; ++column)
        product += static_cast<double>(q[column]) * static_cast<double>(keys[key][column]);
      const double weight = std::exp(product / std::sqrt(90.0));
      sum += weight;
      for (std::size_t column = 0; column < 90; ++column)
        mixed[column] += weight * static_cast<double>(keys[key][column]);
    }
    for (const double value : mixed) expected.push_back(value / sum);
  }
  expect_close(attention.view("out").values, expected, 1e-4, "heads");
}

TEST_F(AttentionTest, EachKindSeesItsEntries) {
  attend(kSliding, {9});
  Call attention = recorder_.only("sparse_attention");
  EXPECT_EQ(attention.number("choice"), static_cast<double>(EntryChoice::none));
  EXPECT_EQ(attention.number("window"), 7.0);
  attend(kCsa, {9, 9});
  attention = recorder_.only("sparse_attention");
  EXPECT_EQ(attention.number("choice"), static_cast<double>(EntryChoice::selected));
  EXPECT_EQ(attention.number("ratio"), 4.0);
  EXPECT_EQ(attention.view("selected"), recorder_.only("index_top_k").view("selected"));
  attend(kHca, {9, 9, 9});
  attention = recorder_.only("sparse_attention");
  EXPECT_EQ(attention.number("choice"), static_cast<double>(EntryChoice::all));
  EXPECT_EQ(attention.number("ratio"), 6.0);
}

TEST_F(AttentionTest, EntriesAreStoredBeforeTheyAreSeen) {
  attend(kCsa, {9});
  EXPECT_LT(recorder_.only("store_entries").index, recorder_.only("sparse_attention").index);
  EXPECT_LT(recorder_.only("store_index_keys").index, recorder_.only("index_top_k").index);
}

TEST_F(AttentionTest, TheSinkIsTheCheckpoints) {
  attend(kHca, {2});
  EXPECT_EQ(recorder_.only("sparse_attention").view("sink").values, floats("layers.2.attn.attn_sink"));
}

// out = wo_b concat_g(wo_a[g] heads of group g)
TEST_F(AttentionTest, GroupsOfHeadsShrinkOnTheirOwn) {
  const std::vector<float> out = attend(kSliding, {2});
  const std::vector<float> heads = recorder_.only("grouped_linear").view("x").values;  // [2, 2, 3 * 90]
  const std::vector<float> wo_a = matrix("layers.0.attn.wo_a");                        // [2 * 20, 270]
  const std::vector<float> wo_b = matrix("layers.0.attn.wo_b");                        // [64, 40]
  std::vector<double> expected;
  for (std::int64_t token = 0; token < 2; ++token) {
    std::vector<double> latent(40);
    for (std::int64_t row = 0; row < 40; ++row)
      for (std::int64_t column = 0; column < 270; ++column)
        latent[row] += static_cast<double>(wo_a[row * 270 + column]) *
                       static_cast<double>(heads[(token * 2 + row / 20) * 270 + column]);
    for (std::int64_t channel = 0; channel < 64; ++channel) {
      double sum = 0.0;
      for (std::int64_t row = 0; row < 40; ++row) sum += static_cast<double>(wo_b[channel * 40 + row]) * latent[row];
      expected.push_back(sum);
    }
  }
  expect_close(out, expected, 1e-4, "output");
}

class Float32AttentionTest : public AttentionTest {
 protected:
  Float32AttentionTest() : AttentionTest(CacheStorage::float32) {}
};

TEST_F(Float32AttentionTest, FreshRowsAreTheKeysThemselves) {
  attend(kHca, {4});
  EXPECT_EQ(recorder_.only("encode_entries").number("row_bytes"), 360.0);
  EXPECT_EQ(recorder_.only("sparse_attention").number("row_bytes"), 360.0);
}

}  // namespace
}  // namespace fathom::testing
