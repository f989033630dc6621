#include "fathom/apps/golden_observer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fathom/apps/golden_check.h"
#include "fathom/backends/reference/reference_backend.h"
#include "tests/apps/model_copy_support.h"
#include "tests/apps/program_support.h"

namespace fathom::testing {
namespace {

// sprat: 4 blocks, 8 experts of which 2 are chosen, 64 indexed entries, a prompt of 256 tokens, 3 probes.
class Observer : public ::testing::Test {
 protected:
  // The decision of one token at `position`, compared with experts 2 and 5, which the golden is made to say.
  void route(const std::vector<std::int32_t>& selected, const std::vector<float>& logits,
             const std::vector<float>& bias) {
    golden_.experts[1][static_cast<std::size_t>(kPosition * 2)] = 5;
    golden_.experts[1][static_cast<std::size_t>(kPosition * 2 + 1)] = 2;
    std::vector<std::int32_t> chosen = selected;
    std::vector<float> weights(2);
    observer_.begin(kPosition, 1);
    observer_.on_route(1, {.logits = View<const float, 2>(logits.data(), {1, 8}),
                           .bias = View<const float, 1>(bias.data(), {std::ssize(bias)}),
                           .hash = {},
                           .ids = {},
                           .route_scale = 1.5F,
                           .selected = View<std::int32_t, 2>(chosen.data(), {1, 2}),
                           .weights = View<float, 2>(weights.data(), {1, 2})});
  }

  static constexpr std::int64_t kPosition = 40;
  const ModelConfig config_ = load_model_config(kSprat / "config.json");
  Golden golden_{kSprat / "goldens-smooth.safetensors", config_};
  GoldenReport report_;
  ReferenceBackend backend_;
  GoldenObserver observer_{golden_, config_, backend_, report_};
};

TEST_F(Observer, TheGoldenIsReadWhole) {
  EXPECT_EQ(golden_.token_ids.size(), 256U);
  EXPECT_EQ(golden_.prompt, 256);
  EXPECT_EQ(golden_.logits.size(), 256U * 1536U);
  EXPECT_TRUE(golden_.mtp_logits.empty());
  EXPECT_EQ(golden_.probe_positions.size(), 3U);
  EXPECT_EQ(golden_.streams.size(), 4U);
  EXPECT_EQ(golden_.experts.size(), 4U);
  EXPECT_EQ(golden_.index.size(), 2U);
}

TEST_F(Observer, SetsAreEqualInAnyOrder) {
  route({2, 5}, {0, 0, 3, 0, 0, 3, 0, 0}, {});
  EXPECT_EQ(report_.experts.sets, 1);
  EXPECT_EQ(report_.experts.wrong, 0);
  EXPECT_EQ(report_.experts.ties, 0);
}

TEST_F(Observer, AnotherExpertIsWrong) {
  route({2, 6}, {0, 0, 3, 0, 0, 2, 3, 0}, {});
  EXPECT_EQ(report_.experts.wrong, 1);
  EXPECT_TRUE(observer_.tied_rows().empty());
}

TEST_F(Observer, AnotherExpertOfTheSameScoreIsATieAndItsRowIsLeftOut) {
  route({2, 6}, {0, 0, 3, 0, 0, 2, 2, 0}, {});
  EXPECT_EQ(report_.experts.wrong, 0);
  EXPECT_EQ(report_.experts.ties, 1);
  EXPECT_EQ(observer_.tied_rows(), (std::set<std::int64_t>{kPosition}));
  EXPECT_EQ(report_.tied_rows, 1);
}

TEST_F(Observer, TheBiasCountsForATie) {
  const std::vector<float> logits{0, 0, 3, 0, 0, 2, 2, 0};
  std::vector<float> bias(8);
  bias[6] = 1e-3F;
  route({2, 6}, logits, bias);
  EXPECT_EQ(report_.experts.wrong, 1);
  bias[5] = 1e-3F;
  route({2, 6}, logits, bias);
  EXPECT_EQ(report_.experts.ties, 1);
}

TEST_F(Observer, ScoresATinyDistanceApartAreATie) {
  std::vector<float> logits{0, 0, 3, 0, 0, 2, 2, 0};
  logits[6] = 2.0F + 1e-6F;  // less than 1e-6 in score
  route({2, 6}, logits, {});
  EXPECT_EQ(report_.experts.ties, 1);
  logits[6] = 2.0F + 1e-4F;
  route({2, 6}, logits, {});
  EXPECT_EQ(report_.experts.wrong, 1);
}

TEST_F(Observer, TwoExchangedExpertsAreATieOnlyWhenAllFourScoresAreEqual) {
  route({3, 6}, {0, 0, 3, 3, 0, 3, 3, 0}, {});
  EXPECT_EQ(report_.experts.ties, 1);
  route({3, 6}, {0, 0, 3, 3, 0, 2, 2, 0}, {});
  EXPECT_EQ(report_.experts.wrong, 1);
}

TEST_F(Observer, FewerExpertsAreWrongWhateverTheScores) {
  route({2, 2}, {1, 1, 1, 1, 1, 1, 1, 1}, {});
  EXPECT_EQ(report_.experts.wrong, 1);
}

TEST_F(Observer, PositionsBehindThePromptAreNotCompared) {
  golden_.prompt = kPosition;
  route({0, 1}, {0, 0, 3, 0, 0, 3, 0, 0}, {});
  EXPECT_EQ(report_.experts.sets, 0);
}

TEST_F(Observer, StreamsAreComparedAtTheProbesAlone) {
  golden_.probe_positions = {3, 50, 255};
  std::vector<float> streams(3 * 4 * 128, 1e9F);  // positions 49, 50 and 51
  const auto& expected = golden_.streams.at(2);
  std::copy_n(expected.begin() + 512, 512, streams.begin() + 512);
  observer_.begin(49, 3);
  observer_.on_streams(2, View<const float, 3>(streams.data(), {3, 4, 128}));
  EXPECT_EQ(report_.streams.values, 512);
  EXPECT_EQ(report_.streams.largest, 0.0);
  observer_.on_streams(17, View<const float, 3>(streams.data(), {3, 4, 128}));
  EXPECT_EQ(report_.streams.values, 512) << "the golden has no such block";
  streams[512] += 0.5F;
  observer_.on_streams(2, View<const float, 3>(streams.data(), {3, 4, 128}));
  EXPECT_NEAR(report_.streams.largest, 0.5, 1e-4);
}

// One head, one key per entry: the score of entry e is its key's only non-zero column.
TEST_F(Observer, EntriesOfTheSameScoreAreATie) {
  std::vector<float> keys(64 * 64);
  for (std::int64_t entry = 0; entry < 64; ++entry) keys[entry * 64] = entry < 4 ? 1.0F : 2.0F;
  std::byte* const pages[] = {reinterpret_cast<std::byte*>(keys.data())};
  const PagedRows rows{pages, 64, 0, 64 * 4};
  std::vector<float> q(64);
  q[0] = 1.0F;
  const float weight = 1.0F;
  auto& golden = golden_.index.at(1);
  std::fill_n(golden.begin() + kPosition * 64, 64, -1);
  golden[kPosition * 64] = 5;
  golden[kPosition * 64 + 1] = 1;
  const auto choose = [&](std::vector<std::int32_t> selected) {
    const fathom::Run run{.first_row = 0, .tokens = 1, .start = kPosition};
    observer_.begin(kPosition, 1);
    observer_.on_index(1, {.q = View<const float, 3>(q.data(), {1, 1, 64}),
                           .weights = View<const float, 2>(&weight, {1, 1}),
                           .format = {CacheStorage::float32, 64},
                           .ratio = 4,
                           .runs = {&run, 1},
                           .keys = {&rows, 1},
                           .selected = View<std::int32_t, 2>(selected.data(), {1, std::ssize(selected)})});
  };
  choose({1, 5, -1});
  EXPECT_EQ(report_.index.sets, 1);
  EXPECT_EQ(report_.index.wrong + report_.index.ties, 0);
  choose({2, 5, -1});
  EXPECT_EQ(report_.index.ties, 1);
  choose({1, 2, -1});
  EXPECT_EQ(report_.index.wrong, 1);
  choose({5, -1, -1});
  EXPECT_EQ(report_.index.wrong, 2);
}

}  // namespace
}  // namespace fathom::testing
