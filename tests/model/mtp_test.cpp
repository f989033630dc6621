// Multi-token prediction (report 2.4): Transformer::draft.
#include <gtest/gtest.h>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

class MtpTest : public RecordedModelTest {
 protected:
  // The trunk reads tokens [0, count); its streams are kept.
  void read(std::int64_t count) {
    feed(cache_, count, count);
    const auto streams = transformer_.final_streams().span();
    streams_.assign(streams.begin(), streams.end());
    recorder_.forget();
  }
  // Drafts from the streams of [start, start + count) and the tokens that follow them.
  std::vector<float> draft(std::int64_t count, std::int64_t logits_from = 0) {
    const std::int64_t start = cache_.mtp_tokens();
    const BatchRun run{
        .cache = &cache_,
        .ids = std::span(ids_).subspan(static_cast<std::size_t>(start + 1), static_cast<std::size_t>(count)),
        .logits_from = logits_from};
    const View<const float, 3> streams(streams_.data() + start * 3 * 64, {count, 3, 64});
    const auto logits = transformer_.draft({&run, 1}, streams);
    return {logits.span().begin(), logits.span().end()};
  }
  std::vector<float> floats(const std::string& name) const { return model_.checkpoint()->floats(name); }

  SequenceCache cache_ = transformer_.make_cache();
  std::vector<float> streams_;
};

TEST_F(MtpTest, HnormIsOnEachStreamOfTheTrunk) {
  read(6);
  draft(5);
  const Call norm = recorder_.all("rms_norm").front();
  EXPECT_EQ(norm.view("weight").values, floats("mtp.0.hnorm.weight"));
  EXPECT_EQ(norm.view("x").shape, (std::vector<std::int64_t>{5 * 3, 64}));
  EXPECT_EQ(norm.view("x").values, std::vector<float>(streams_.begin(), streams_.begin() + 5 * 3 * 64))
      << "the streams before the head mixed them";
  EXPECT_EQ(recorder_.only("linear", "mtp.0.h_proj").view("x").values, norm.view("out").values);
}

TEST_F(MtpTest, EnormIsOnTheEmbeddingOfTheNextToken) {
  read(6);
  draft(5);
  const Call embed = recorder_.only("embed", "embed");
  EXPECT_EQ(embed.integers, (std::vector<std::int64_t>{id_at(1), id_at(2), id_at(3), id_at(4), id_at(5)}));
  const Call norm = recorder_.next("rms_norm", embed.index);
  EXPECT_EQ(norm.view("weight").values, floats("mtp.0.enorm.weight"));
  EXPECT_EQ(norm.view("x").values, embed.view("streams").values);
  EXPECT_EQ(recorder_.only("linear", "mtp.0.e_proj").view("x").values, norm.view("out").values);
}

// streams = h_proj(...) + e_proj(...), the embedding on every stream.
TEST_F(MtpTest, TheTwoProjectionsAreAdded) {
  read(4);
  draft(3);
  const auto hidden = recorder_.only("linear", "mtp.0.h_proj").view("out").values;
  const auto embedded = recorder_.only("linear", "mtp.0.e_proj").view("out").values;
  const auto started = recorder_.all("hyper_connection_gates").front().view("streams").values;
  ASSERT_EQ(started.size(), hidden.size());
  ASSERT_EQ(embedded.size(), hidden.size());
  for (std::size_t value = 0; value < started.size(); ++value) {
    ASSERT_EQ(started[value], hidden[value] + embedded[value]);
    ASSERT_EQ(embedded[value], embedded[value / (3 * 64) * (3 * 64) + value % 64]);
  }
}

TEST_F(MtpTest, ItHasItsOwnBlockHeadAndNormAndSharesTheVocabularysHead) {
  read(3);
  draft(2);
  recorder_.only("linear", "mtp.0.attn.wq_a");
  recorder_.only("linear", "mtp.0.ffn.gate");
  const Call mix = recorder_.only("linear", "mtp.0.hc_head_fn");
  EXPECT_TRUE(recorder_.all("linear", "hc_head_fn").empty());
  EXPECT_EQ(recorder_.next("rms_norm", mix.index).view("weight").values, floats("mtp.0.norm.weight"));
  EXPECT_GT(recorder_.only("linear", "head").index, mix.index);
}

TEST_F(MtpTest, ItsPositionsBeginAtZeroAndItsAnglesArePlain) {
  read(9);
  draft(3);
  EXPECT_EQ(recorder_.all("rotary_table").front().integers, (std::vector<std::int64_t>{0, 1, 2}));
  const Call rotation = recorder_.next("rotate", recorder_.only("linear", "mtp.0.attn.wq_b").index);
  expect_close(rotation.view("cosine").values, cosines({0, 1, 2}, plain_formula(16, 1000.0)), 1e-6, "queries");
  recorder_.forget();
  draft(2);
  EXPECT_EQ(recorder_.all("rotary_table").front().integers, (std::vector<std::int64_t>{3, 4}));
}

TEST_F(MtpTest, ItHasAWindowOfItsOwnAndLeavesTheTrunkAlone) {
  read(9);
  draft(5);
  const Call attention = recorder_.only("sparse_attention");
  EXPECT_EQ(attention.places.front(), cache_.window(4).rows);
  EXPECT_EQ(recorder_.all("commit_rows").size(), 1U);
  EXPECT_EQ(cache_.tokens(), 9);
  EXPECT_EQ(cache_.mtp_tokens(), 5);
  const auto after = feed(cache_, 1);
  SequenceCache untouched = transformer_.make_cache();
  feed(untouched, 9);
  EXPECT_EQ(after, feed(untouched, 1));
}

TEST_F(MtpTest, OnlyTheWantedPositionsGetLogits) {
  read(9);
  const auto all = draft(8);
  cache_.set_mtp_tokens(0);
  EXPECT_EQ(draft(8, 7), std::vector<float>(all.begin() + 7 * 57, all.end()));
}

TEST_F(MtpTest, RunsOfSeveralSequencesGoTogether) {
  read(9);
  const auto expected = draft(4);
  SequenceCache first = transformer_.make_cache();
  SequenceCache second = transformer_.make_cache();
  std::vector<float> streams(streams_.begin(), streams_.begin() + 4 * 3 * 64);
  streams.insert(streams.end(), streams_.begin(), streams_.begin() + 4 * 3 * 64);
  const auto next = std::span(ids_).subspan(1, 4);
  const BatchRun batch[] = {{.cache = &first, .ids = next, .logits_from = 4}, {.cache = &second, .ids = next}};
  const auto logits = transformer_.draft(batch, View<const float, 3>(streams.data(), {8, 3, 64}));
  EXPECT_EQ(std::vector<float>(logits.span().begin(), logits.span().end()), expected);
}

TEST_F(MtpTest, WrongStreamsAreOurFault) {
  read(3);
  const BatchRun run{.cache = &cache_, .ids = std::span(ids_).first(2)};
  EXPECT_THROW(transformer_.draft({&run, 1}, View<const float, 3>(streams_.data(), {3, 3, 64})), InternalError);
}

TEST(WithoutMtp, ADraftIsOurFault) {
  ModelConfig config = small_config();
  config.mtp_layers = 0;
  config.compress_ratios.pop_back();
  const SmallModel model(config);
  ReferenceBackend backend;
  Transformer transformer(model.checkpoint(), backend, {});
  SequenceCache cache = transformer.make_cache();
  const std::vector<std::int32_t> ids{1};
  const BatchRun run{.cache = &cache, .ids = ids};
  transformer.forward({&run, 1});
  EXPECT_THROW(transformer.draft({&run, 1}, transformer.final_streams()), InternalError);
}

}  // namespace
}  // namespace fathom::testing
