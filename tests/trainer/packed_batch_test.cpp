#include "fathom/trainer/packed_batch.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "tests/trainer/trainer_support.h"

namespace fathom::train {
namespace {

using namespace testing;

TEST(TrainerPackedBatch, BlocksAreCountedFromTheDocument) {
  const ModelConfig config = tiny_config();
  const PackedRow row =
      pack({std::vector<std::int32_t>(9, 1), std::vector<std::int32_t>(3, 2), std::vector<std::int32_t>(8, 3)}, 24);
  const PackedBatch batch = make_batch({&row, 1}, config, torch::kCPU);
  EXPECT_EQ(batch.target_count, 8 + 2 + 7);
  const EntryPlan& plan = batch.plan(4);
  EXPECT_TRUE(plan.first.equal(torch::tensor({0, 4, 12, 16, 0, 0}).view({1, 6})));
  EXPECT_TRUE(plan.documents.equal(torch::tensor({0, 0, 2, 2, -2, -2}).view({1, 6})));
  EXPECT_TRUE(plan.positions.equal(torch::tensor({0, 4, 0, 4, 0, 0}).view({1, 6})));
  EXPECT_TRUE(batch.plan(8).first.equal(torch::tensor({0, 12, 0}).view({1, 3})));
  EXPECT_THROW(batch.plan(128), InternalError);
}

// A document that was cut goes on from its position: its first whole block begins later.
TEST(TrainerPackedBatch, ACutDocumentKeepsItsCount) {
  const ModelConfig config = tiny_config();
  PackedRow row = pack({std::vector<std::int32_t>(16, 1)}, 16);
  for (std::int32_t& position : row.positions) position += 2;
  const PackedBatch batch = make_batch({&row, 1}, config, torch::kCPU);
  EXPECT_TRUE(batch.plan(4).first.equal(torch::tensor({2, 6, 10, 0}).view({1, 4})));
}

TEST(TrainerPackedBatch, RefusesIdsBeyondTheVocabulary) {
  const ModelConfig config = tiny_config();
  const PackedRow row = pack({{1, 61}}, 8);
  EXPECT_THROW(make_batch({&row, 1}, config, torch::kCPU), InputError);
}

}  // namespace
}  // namespace fathom::train
