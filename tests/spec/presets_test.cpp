#include <gtest/gtest.h>

#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/spec/model_config.h"
#include "tests/spec/config_support.h"

namespace fathom {
namespace {

TEST(Presets, AllAreValid) {
  EXPECT_EQ(preset_names().size(), 6U);
  for (const std::string_view name : preset_names()) EXPECT_NO_THROW(preset_model_config(name).validate()) << name;
}

// The released config.json of V4-Flash in the fields that the oracle's do not share.
TEST(Presets, FlashEqualsTheReleasedFile) {
  std::string text = testing::tiny_flash_config();
  const std::pair<const char*, const char*> fields[] = {
      {"vocab_size", "129280"},    {"hidden_size", "4096"},     {"moe_intermediate_size", "2048"},
      {"num_hidden_layers", "43"}, {"num_hash_layers", "3"},    {"num_attention_heads", "64"},
      {"head_dim", "512"},         {"q_lora_rank", "1024"},     {"o_groups", "8"},
      {"o_lora_rank", "1024"},     {"n_routed_experts", "256"}, {"num_experts_per_tok", "6"},
      {"sliding_window", "128"},   {"index_n_heads", "64"},     {"index_head_dim", "128"},
      {"index_topk", "512"}};
  for (const auto& [field, value] : fields) text = testing::with_field(text, field, value);
  std::string ratios = "[0, 0";
  for (int pair = 0; pair < 20; ++pair) ratios += ", 4, 128";
  text = testing::with_field(text, "compress_ratios", ratios + ", 4, 0]");
  EXPECT_EQ(parse_model_config(text, "flash"), preset_model_config("deepseek-v4-flash"));
}

TEST(Presets, ProOpensWithHcaAndEndsWithCsa) {
  const ModelConfig pro = preset_model_config("deepseek-v4-pro");
  EXPECT_EQ(pro.compress_ratios.size(), 62U);
  EXPECT_EQ(std::count(pro.compress_ratios.begin(), pro.compress_ratios.end(), 4), 30);
  EXPECT_EQ(std::count(pro.compress_ratios.begin(), pro.compress_ratios.end(), 128), 31);
  EXPECT_EQ(pro.ratio(0), 128);
  EXPECT_EQ(pro.ratio(1), 128);
  EXPECT_EQ(pro.ratio(60), 4);
  EXPECT_EQ(pro.ratio(61), 0);
  EXPECT_EQ(pro.route_scale, 2.5F);
}

TEST(Presets, SmallModelsEqualTheirFiles) {
  EXPECT_EQ(preset_model_config("minnow"), load_model_config(FATHOM_SOURCE "/models/minnow/config.json"));
  EXPECT_EQ(preset_model_config("tiny-flash"), load_model_config(FATHOM_TEST_DATA "/tiny-flash/config.json"));
}

TEST(Presets, BaseDiffersInItsExpertsAlone) {
  ModelConfig base = preset_model_config("deepseek-v4-pro-base");
  EXPECT_EQ(base.expert_format, ExpertFormat::fp8);
  base.expert_format = ExpertFormat::fp4;
  EXPECT_EQ(base, preset_model_config("deepseek-v4-pro"));
}

TEST(Presets, UnknownNamesListTheKnownOnes) {
  const std::string error = testing::error_of([] { preset_model_config("deepseek-v5"); });
  EXPECT_NE(error.find("deepseek-v5"), std::string::npos);
  for (const std::string_view name : preset_names()) EXPECT_NE(error.find(name), std::string::npos) << name;
}

}  // namespace
}  // namespace fathom
