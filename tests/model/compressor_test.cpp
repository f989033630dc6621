#include "fathom/model/compressor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/model/model_support.h"

namespace fathom::testing {
namespace {

class CompressorTest : public PartTest {
 protected:
  // Compresses one step of `layer` (1: CSA, 2: HCA) over fresh random input, which is kept in inputs_.
  std::vector<float> run(std::int64_t layer, const std::vector<std::int64_t>& lengths) {
    recorder_.forget();
    const Step step = next_step(lengths);
    const auto x = random_rows(step.tokens(), config_.channels);
    inputs_.insert(inputs_.end(), x.span().begin(), x.span().end());
    const CompressorWeights& weights = *weights_.layers[static_cast<std::size_t>(layer)].attn.compressor;
    std::vector<LinearOutput> products;
    const CompressorInput input = plan_input(step, weights, products);
    recorder_.linears({.x = x, .outputs = products});
    const CompressorPlan plan = {.ratio = config_.ratio(layer),
                                 .overlap = layer == 1,
                                 .dim = config_.head_dim,
                                 .norm_eps = config_.norm_eps,
                                 .kv_tails = step.places(&SequenceCache::kv_tail, layer),
                                 .gate_tails = step.places(&SequenceCache::gate_tail, layer),
                                 .pages = step.places(&SequenceCache::entries, layer)};
    CompleteEntriesArgs args = completion(step, weights, plan, input);
    args.entry = layout_.entry;
    recorder_.complete_entries(args);
    const View<const float, 2> entries = args.pool.out;
    end_step();
    return {entries.span().begin(), entries.span().end()};
  }

  // Entry `block` of the only sequence by the report's equations, in double precision.
  std::vector<double> formula(std::int64_t layer, std::int64_t block);
  std::vector<double> formula_rotated(std::vector<double> entry, std::int64_t position) const;

  std::vector<float> inputs_;  // [tokens, channels] of sequence 0, from position 0 on
};

std::vector<double> CompressorTest::formula(std::int64_t layer, std::int64_t block) {
  const std::string prefix = fmt::format("layers.{}.attn.compressor.", layer);
  const bool overlap = layer == 1;
  const std::int64_t ratio = config_.ratio(layer);
  const std::int64_t columns = overlap ? 180 : 90;
  const auto wkv = matrix(prefix + "wkv");
  const auto wgate = matrix(prefix + "wgate");
  const auto ape = floats(prefix + "ape");
  const auto norm = floats(prefix + "norm.weight");
  const auto product = [&](const std::vector<float>& weight, std::int64_t position, std::int64_t column) {
    double sum = 0.0;
    for (std::int64_t channel = 0; channel < 64; ++channel)
      sum += static_cast<double>(weight[column * 64 + channel]) * static_cast<double>(inputs_[position * 64 + channel]);
    return sum;
  };
  std::vector<double> entry;
  for (std::int64_t column = 0; column < 90; ++column) {
    double weights = 0.0;
    double sum = 0.0;
    const auto add = [&](std::int64_t position, std::int64_t stored) {
      const double gate =
          product(wgate, position, stored) + static_cast<double>(ape[position % ratio * columns + stored]);
      weights += std::exp(gate);
      sum += std::exp(gate) * product(wkv, position, stored);
    };
    if (overlap && block > 0)
      for (std::int64_t position = (block - 1) * ratio; position < block * ratio; ++position) add(position, column);
    for (std::int64_t position = block * ratio; position < (block + 1) * ratio; ++position)
      add(position, overlap ? 90 + column : column);
    entry.push_back(sum / weights);
  }
  double squares = 0.0;
  for (const double value : entry) squares += value * value;
  const double scale = 1.0 / std::sqrt(squares / 90.0 + 1e-5);
  for (std::size_t column = 0; column < entry.size(); ++column)
    entry[column] *= scale * static_cast<double>(norm[column]);
  return formula_rotated(std::move(entry), block * ratio);
}

std::vector<double> CompressorTest::formula_rotated(std::vector<double> entry, std::int64_t position) const {
  const auto frequencies = yarn_formula(16, 50000.0, config_.yarn);
  for (std::size_t pair = 0; pair < 8; ++pair) {
    const double angle = static_cast<double>(position) * frequencies[pair];
    double& even = entry[90 - 16 + 2 * pair];
    double& odd = entry[90 - 16 + 2 * pair + 1];
    const double turned = even * std::cos(angle) - odd * std::sin(angle);
    odd = even * std::sin(angle) + odd * std::cos(angle);
    even = turned;
  }
  return entry;
}

// Pooling, norm and rotation at once, over steps that cut blocks anywhere.
TEST_F(CompressorTest, EntriesFollowTheReport) {
  for (const std::int64_t layer : {1, 2}) {
    forget_sequences();
    inputs_.clear();
    std::vector<float> found;
    for (const std::int64_t length : {3, 1, 9, 2, 11, 1, 1}) {
      const auto entries = run(layer, {length});
      found.insert(found.end(), entries.begin(), entries.end());
    }
    std::vector<double> expected;
    for (std::int64_t block = 0; block < 28 / config_.ratio(layer); ++block) {
      const auto entry = formula(layer, block);
      expected.insert(expected.end(), entry.begin(), entry.end());
    }
    expect_close(found, expected, 3e-5, fmt::format("layer {}", layer));
  }
}

TEST_F(CompressorTest, EntriesTurnAtTheFirstTokenOfTheirBlock) {
  const auto frequencies = yarn_formula(16, 50000.0, config_.yarn);
  run(2, {4});
  EXPECT_EQ(recorder_.only("rotate").view("x").shape, (std::vector<std::int64_t>{0, 1, 90})) << "no block is whole yet";
  run(2, {15});  // positions 4 to 18: blocks 0, 1 and 2 become whole
  expect_close(recorder_.only("rotate").view("cosine").values, cosines({0, 6, 12}, frequencies), 1e-5, "HCA");
  forget_sequences();
  run(1, {6, 3});
  run(1, {3, 5});  // positions 6 to 8, and 3 to 7 of the second sequence
  expect_close(recorder_.only("rotate").view("cosine").values, cosines({4, 0, 4}, frequencies), 1e-5, "CSA");
}

TEST_F(CompressorTest, EntriesAreNormedBeforeTheyTurn) {
  run(1, {8});
  const Call pool = recorder_.only("gated_pool");
  const Call norm = recorder_.only("rms_norm");
  const Call rotation = recorder_.only("rotate");
  EXPECT_LT(pool.index, norm.index);
  EXPECT_LT(norm.index, rotation.index);
  EXPECT_EQ(norm.view("x").values, pool.view("out").values);
  EXPECT_EQ(norm.view("weight").values, floats("layers.1.attn.compressor.norm.weight"));
  EXPECT_EQ(norm.number("eps"), static_cast<double>(1e-5F));
  EXPECT_EQ(rotation.view("x").values, norm.view("out").values);
  EXPECT_EQ(rotation.number("inverse"), 0.0);
}

TEST_F(CompressorTest, TailsAreCommittedAfterPooling) {
  run(1, {5});
  const Call pool = recorder_.only("gated_pool");
  const auto commits = recorder_.all("commit_rows");
  ASSERT_EQ(commits.size(), 2U);
  EXPECT_GT(commits[0].index, pool.index);
  EXPECT_EQ(commits[0].places.front(), pool.places[0]) << "kv into the kv ring";
  EXPECT_EQ(commits[1].places.front(), pool.places[1]) << "gate into the gate ring";
  EXPECT_EQ(commits[0].view("rows").place, pool.view("kv").place);
  EXPECT_EQ(commits[1].view("rows").place, pool.view("gate").place);
}

TEST_F(CompressorTest, OnlyCsaOverlaps) {
  run(1, {4});
  EXPECT_EQ(recorder_.only("gated_pool").number("overlap"), 1.0);
  EXPECT_EQ(recorder_.only("gated_pool").view("ape").shape, (std::vector<std::int64_t>{4, 180}));
  run(2, {4});
  EXPECT_EQ(recorder_.only("gated_pool").number("overlap"), 0.0);
  EXPECT_EQ(recorder_.only("gated_pool").view("ape").shape, (std::vector<std::int64_t>{6, 90}));
}

TEST_F(CompressorTest, AStepThatCompletesNothingGivesNoEntries) {
  EXPECT_TRUE(run(1, {3}).empty());
  EXPECT_EQ(run(1, {1}).size(), 90U);
}

TEST_F(CompressorTest, AnUnknownRatioIsOurFault) {
  const Step step = next_step({1});
  EXPECT_THROW(step.entries(5), InternalError);
}

}  // namespace
}  // namespace fathom::testing
