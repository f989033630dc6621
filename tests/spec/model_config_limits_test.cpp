#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "fathom/base/error.h"
#include "fathom/spec/model_config.h"
#include "fathom/spec/model_size.h"
#include "tests/spec/config_support.h"

namespace fathom {
namespace {

ModelConfig tiny() { return load_model_config(FATHOM_TEST_DATA "/tiny-flash/config.json"); }

std::string fault_after(const std::function<void(ModelConfig&)>& change) {
  ModelConfig config = tiny();
  change(config);
  return testing::error_of([&] { config.validate(); });
}

TEST(ModelConfigLimits, NamesFieldValueAndWhatWouldDo) {
  const struct {
    std::function<void(ModelConfig&)> change;
    const char* said;
  } cases[] = {
      {[](ModelConfig& c) { c.channels = 0; }, "hidden_size is 0, expected 1 to 262144"},
      {[](ModelConfig& c) { c.channels = -128; }, "hidden_size is -128"},
      {[](ModelConfig& c) { c.channels = std::numeric_limits<std::int64_t>::max(); },
       "hidden_size is 9223372036854775807"},
      {[](ModelConfig& c) { c.layers = 1 << 20; }, "num_hidden_layers is 1048576"},
      {[](ModelConfig& c) { c.layers = std::numeric_limits<std::int64_t>::min(); }, "num_hidden_layers is -922"},
      {[](ModelConfig& c) { c.mtp_layers = -1; }, "num_nextn_predict_layers is -1"},
      {[](ModelConfig& c) { c.vocab = 0; }, "vocab_size is 0"},
      {[](ModelConfig& c) { c.heads = 0; }, "num_attention_heads is 0"},
      {[](ModelConfig& c) { c.head_dim = 32; }, "head_dim is 32, expected more than qk_rope_head_dim 64"},
      {[](ModelConfig& c) { c.head_dim = 64; }, "head_dim is 64, expected more than"},
      {[](ModelConfig& c) { c.rope_dim = 63; }, "qk_rope_head_dim is 63, expected an even number"},
      {[](ModelConfig& c) { c.rope_dim = 0; }, "qk_rope_head_dim is 0"},
      {[](ModelConfig& c) { c.query_latent = 0; }, "q_lora_rank is 0"},
      {[](ModelConfig& c) { c.output_groups = 0; }, "o_groups is 0"},
      {[](ModelConfig& c) { c.output_groups = 3; }, "num_attention_heads is 4, expected a multiple of o_groups 3"},
      {[](ModelConfig& c) { c.output_latent = 0; }, "o_lora_rank is 0"},
      {[](ModelConfig& c) { c.experts = 2; }, "num_experts_per_tok is 3, expected at most n_routed_experts 2"},
      {[](ModelConfig& c) { c.selected_experts = 0; }, "num_experts_per_tok is 0"},
      {[](ModelConfig& c) { c.shared_experts = 2; }, "n_shared_experts is 2, expected 1 to 1"},
      {[](ModelConfig& c) { c.expert_dim = 0; }, "moe_intermediate_size is 0"},
      {[](ModelConfig& c) { c.expert_dim = 48; }, "moe_intermediate_size is 48, expected a multiple of 32"},
      {[](ModelConfig& c) { c.channels = 130; }, "hidden_size is 130, expected a multiple of 32"},
      {[](ModelConfig& c) { c.hash_layers = 7; }, "num_hash_layers is 7, expected at most num_hidden_layers 6"},
      {[](ModelConfig& c) { c.window = 0; }, "sliding_window is 0"},
      {[](ModelConfig& c) { c.index_heads = 0; }, "index_n_heads is 0"},
      {[](ModelConfig& c) { c.index_dim = 96; }, "index_head_dim is 96, expected a power of two"},
      {[](ModelConfig& c) { c.index_dim = 32; },
       "index_head_dim is 32, expected a power of two from qk_rope_head_dim 64"},
      {[](ModelConfig& c) { c.index_dim = -64; }, "index_head_dim is -64"},
      {[](ModelConfig& c) { c.index_topk = 0; }, "index_topk is 0"},
      {[](ModelConfig& c) { c.compress_ratios.pop_back(); }, "compress_ratios has 6 entries, expected 7"},
      {[](ModelConfig& c) { c.compress_ratios[1] = -4; }, "compress_ratios entry 1 is -4"},
      {[](ModelConfig& c) { c.compress_ratios[3] = std::int64_t{1} << 40; },
       "compress_ratios entry 3 is 1099511627776"},
      {[](ModelConfig& c) { c.streams = 0; }, "hc_mult is 0"},
      {[](ModelConfig& c) { c.streams = 65; }, "hc_mult is 65"},
      {[](ModelConfig& c) { c.sinkhorn_iterations = 0; }, "hc_sinkhorn_iters is 0"},
      {[](ModelConfig& c) { c.hc_eps = -1e-6F; }, "hc_eps is -1e-06"},
      {[](ModelConfig& c) { c.norm_eps = std::nanf(""); }, "rms_norm_eps is nan"},
      {[](ModelConfig& c) { c.route_scale = -1.0F; }, "routed_scaling_factor is -1"},
      {[](ModelConfig& c) { c.swiglu_limit = INFINITY; }, "swiglu_limit is inf"},
      {[](ModelConfig& c) { c.rope_theta = 0.0; }, "rope_theta is 0"},
      {[](ModelConfig& c) { c.compress_rope_theta = std::nan(""); }, "compress_rope_theta is nan"},
      {[](ModelConfig& c) { c.yarn.factor = 0.5; }, "rope_scaling.factor is 0.5"},
      {[](ModelConfig& c) { c.yarn.original_max_positions = 0; }, "rope_scaling.original_max_position_embeddings is 0"},
      {[](ModelConfig& c) { c.yarn.beta_fast = 0.5; }, "rope_scaling.beta_fast is 0.5, expected at least"},
      {[](ModelConfig& c) { c.max_positions = 0; }, "max_position_embeddings is 0"},
      {[](ModelConfig& c) { c.bos_token = 512; }, "bos_token_id is 512, expected 0 to 511"},
      {[](ModelConfig& c) { c.eos_token = -1; }, "eos_token_id is -1"},
  };
  for (const auto& [change, said] : cases) {
    const std::string error = fault_after(change);
    EXPECT_NE(error.find(said), std::string::npos) << "expected: " << said << "\nfound: " << error;
  }
}

TEST(ModelConfigLimits, EveryFaultIsTold) {
  const std::string error = fault_after([](ModelConfig& config) {
    config.channels = 0;
    config.window = -1;
  });
  EXPECT_NE(error.find("hidden_size is 0"), std::string::npos);
  EXPECT_NE(error.find("sliding_window is -1"), std::string::npos);
}

TEST(ModelConfigLimits, TooManyExpertsInAllAreRefusedBeforeTheyAreListed) {
  const std::string error = fault_after([](ModelConfig& config) {
    config.layers = 1024;
    config.experts = 16384;
    config.compress_ratios.assign(1025, 0);
  });
  EXPECT_NE(error.find("expected at most 1048576 in all"), std::string::npos) << error;
}

TEST(ModelConfigLimits, OtherDimensionsThanTheReleasedOnesCanBe) {
  ModelConfig config = tiny();
  config.heads = 6;
  config.output_groups = 3;
  config.head_dim = 80;
  config.rope_dim = 16;
  config.channels = 96;
  config.expert_dim = 160;
  config.index_dim = 32;
  config.query_latent = 33;
  config.output_latent = 7;
  config.streams = 3;
  config.compress_ratios = {0, 16, 4, 64, 4, 8, 4};
  EXPECT_NO_THROW(config.validate());
  config.expert_format = ExpertFormat::fp8;
  config.expert_dim = 45;
  config.channels = 51;
  EXPECT_NO_THROW(config.validate());
}

// The limits promise that nothing overflows; the largest config that they allow is counted under UBSan too.
TEST(ModelConfigLimits, TheLargestConfigStillCounts) {
  ModelConfig config = tiny();
  config.vocab = 1 << 24;
  config.channels = 1 << 18;
  config.heads = 4096;
  config.head_dim = 8192;
  config.query_latent = 1 << 18;
  config.output_groups = 4096;
  config.output_latent = 1 << 18;
  config.layers = 63;
  config.mtp_layers = 1;
  config.experts = 1 << 14;
  config.selected_experts = 1 << 14;
  config.expert_dim = 1 << 20;
  config.index_heads = 4096;
  config.index_dim = 8192;
  config.streams = 64;
  config.compress_ratios.assign(64, 4);
  ASSERT_NO_THROW(config.validate());
  config.experts = 4;  // the same arithmetic without a million rows; the product below stands for the rest
  config.selected_experts = 4;
  const ModelSize size = model_size(config);
  EXPECT_GT(size.parameters_with_mtp, 0);
  EXPECT_LT(static_cast<double>(size.stored.bytes) + 3.0 * std::pow(2.0, 20 + 18 + 20), std::pow(2.0, 63));
}

}  // namespace
}  // namespace fathom
