#include "fathom/bench/stages.h"

#include <gtest/gtest.h>

#include <set>

#include "fathom/base/error.h"
#include "fathom/spec/layer_choice.h"
#include "fathom/spec/tensor_table.h"

namespace fathom::bench {
namespace {

TEST(Stages, EveryTensorOfTheTrunkHasOne) {
  std::set<Stage> seen;
  for (const TensorSpec& spec : tensor_table(without_mtp(preset_model_config("tiny-flash")))) {
    const Stage stage = stage_of_tensor(spec.name);
    EXPECT_EQ(stage_of_tensor(values_name(spec)), stage) << spec.name;
    seen.insert(stage);
  }
  EXPECT_EQ(seen.size(), 15U);  // all but rotary, cache and index top-k, which have no tensors
}

TEST(Stages, LookAlikesAreToldApart) {
  EXPECT_EQ(stage_of_tensor("head"), Stage::head);
  EXPECT_EQ(stage_of_tensor("hc_head_fn"), Stage::hyper_connections);
  EXPECT_EQ(stage_of_tensor("layers.3.attn.wkv"), Stage::wkv);
  EXPECT_EQ(stage_of_tensor("layers.3.attn.compressor.wkv"), Stage::compressor);
  EXPECT_EQ(stage_of_tensor("layers.2.attn.indexer.compressor.wkv"), Stage::indexer);
  EXPECT_EQ(stage_of_tensor("layers.2.attn.wq_b"), Stage::wq_b);
  EXPECT_EQ(stage_of_tensor("layers.2.attn.indexer.wq_b"), Stage::indexer);
  EXPECT_EQ(stage_of_tensor("layers.2.ffn.shared_experts.w1"), Stage::shared_expert);
  EXPECT_EQ(stage_of_tensor("layers.2.ffn.experts.10.w1"), Stage::experts);
  EXPECT_EQ(stage_of_tensor("layers.2.ffn.gate.bias"), Stage::router);
  EXPECT_EQ(stage_of_tensor("layers.2.attn.compressor.norm.weight"), Stage::norm);
  EXPECT_THROW(stage_of_tensor("layers.2.other"), InternalError);
}

TEST(Stages, NamesAreDifferent) {
  std::set<std::string_view> names;
  for (std::size_t stage = 0; stage < kStages; ++stage) names.insert(name_of(static_cast<Stage>(stage)));
  EXPECT_EQ(names.size(), kStages);
  EXPECT_FALSE(names.contains("?"));
}

}  // namespace
}  // namespace fathom::bench
