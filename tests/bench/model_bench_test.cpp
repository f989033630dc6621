#include "fathom/bench/model_bench.h"

#include <gtest/gtest.h>

#include "tests/bench/bench_support.h"

namespace fathom::bench {
namespace {

using testing::TimedModel;

const Work& at(const Measurement& measured, Stage stage) { return measured.work[static_cast<std::size_t>(stage)]; }

class ModelBenchTest : public ::testing::Test {
 protected:
  Measurement measure(const Case& what, bool stages = false) {
    const BenchOptions options{.repeats = 3, .decode_steps = 2, .chunk = 16, .stages = stages, .seed = 2};
    return ModelBench(model_.plain, model_.timed, model_.timer, options).measure(what, 1);
  }
  TimedModel model_;
};

// Of one token and six layers, three experts each: what StepWork says of positions 100 to 105, on average.
TEST_F(ModelBenchTest, ADecodesWorkIsThatOfItsSteps) {
  const Measurement measured = measure({.phase = Phase::decode, .depth = 100});
  EXPECT_EQ(measured.tokens(), 1);
  EXPECT_DOUBLE_EQ(at(measured, Stage::experts).bytes, 18.0 * 13'056);
  EXPECT_DOUBLE_EQ(at(measured, Stage::head).bytes, 131'072.0);
  // 25, 25, 25, 26, 26 and 26 blocks of four are whole behind them.
  EXPECT_DOUBLE_EQ(at(measured, Stage::index_top_k).bytes, 2 * 25.5 * 34);
  EXPECT_LE(measured.seconds.least, measured.seconds.median);
  EXPECT_LE(measured.seconds.median, measured.seconds.most);
  EXPECT_FALSE(measured.stages.has_value());
}

TEST_F(ModelBenchTest, ABatchChoosesMoreExperts) {
  const Measurement measured = measure({.phase = Phase::decode, .depth = 50, .batch = 4});
  EXPECT_EQ(measured.tokens(), 4);
  EXPECT_GT(at(measured, Stage::experts).bytes, 18.0 * 13'056);
  EXPECT_LE(at(measured, Stage::experts).bytes, 6 * 8.0 * 13'056);
  EXPECT_DOUBLE_EQ(at(measured, Stage::experts).flops, 4 * 18.0 * 2 * 3 * 64 * 128);
}

// 40 tokens in chunks of 16: three steps read the dense weights, one the head.
TEST_F(ModelBenchTest, APromptsWorkIsThatOfItsChunks) {
  const Measurement measured = measure({.phase = Phase::prefill, .tokens = 40}, true);
  EXPECT_EQ(measured.tokens(), 40);
  EXPECT_DOUBLE_EQ(at(measured, Stage::wq_b).bytes, 3 * 6 * (512.0 * 64 + 4));
  EXPECT_DOUBLE_EQ(at(measured, Stage::wq_b).flops, 40 * 6 * 2 * 512.0 * 64);
  EXPECT_DOUBLE_EQ(at(measured, Stage::head).bytes, 131'072.0);
  ASSERT_TRUE(measured.stages.has_value());
  for (const Stage stage : {Stage::embed, Stage::experts, Stage::attention, Stage::index_top_k, Stage::head})
    EXPECT_GT(measured.stages->stages[static_cast<std::size_t>(stage)].median, 0.0) << name_of(stage);
}

}  // namespace
}  // namespace fathom::bench
