#include "fathom/trainer/step_reader.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "fathom/base/error.h"
#include "tests/trainer/run_support.h"

namespace fathom::train {
namespace {

using testing::TemporaryFolder;

class StepReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    testing::write_smoke(folder_.path());
    config_ = load_model_config(folder_.path() / "smoke.json");
  }
  StepReaderOptions options(std::int64_t steps) const {
    return {.stream = {.parts = {{.shard = folder_.path() / "train.shard", .weight = 1.0}}, .length = 256, .seed = 3},
            .place = "",
            .rows = 2,
            .micro_batches = 4,
            .steps = steps,
            .config = config_,
            .token_bytes = std::vector<std::int32_t>(512, 1)};
  }
  TemporaryFolder folder_;
  ModelConfig config_;
};

TEST_F(StepReaderTest, RanksShareTheMicroBatchesOfOne) {
  StepReader one(options(2));
  StepReaderOptions half = options(2);
  half.ranks = 2;
  StepReader first(half);
  half.rank = 1;
  StepReader second(half);
  for (int step = 0; step < 2; ++step) {
    const StepRows all = one.next();
    const StepRows left = first.next();
    const StepRows right = second.next();
    ASSERT_EQ(all.batches.size(), 4U);
    ASSERT_EQ(left.batches.size(), 2U);
    EXPECT_TRUE(all.batches[2].ids.equal(left.batches[1].ids));
    EXPECT_TRUE(all.batches[3].ids.equal(right.batches[1].ids));
    EXPECT_EQ(all.target_count, left.target_count);
    EXPECT_EQ(all.target_bytes, all.target_count);
    EXPECT_EQ(all.place, right.place);
  }
}

TEST_F(StepReaderTest, GoesOnFromAPlace) {
  StepReader whole(options(3));
  whole.next();
  StepReaderOptions later = options(2);
  later.place = whole.next().place;
  StepReader rest(later);
  EXPECT_TRUE(whole.next().batches[0].ids.equal(rest.next().batches[0].ids));
}

TEST_F(StepReaderTest, FaultsOfTheThreadReachTheCaller) {
  StepReaderOptions broken = options(1);
  broken.stream.parts[0].shard = folder_.path() / "none.shard";
  StepReader reader(broken);
  EXPECT_NE(testing::input_error_of([&] { reader.next(); }).find("none.shard"), std::string::npos);
  StepReader unread(options(50));  // ends while its thread waits
}

}  // namespace
}  // namespace fathom::train
