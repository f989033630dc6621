#include "fathom/spec/model_config.h"

#include <gtest/gtest.h>

#include <random>

#include "fathom/base/error.h"
#include "tests/spec/config_support.h"

namespace fathom {
namespace {

using testing::error_of;
using testing::tiny_flash_config;
using testing::with_field;

std::string parse_error(const std::string& text) {
  return error_of([&] { parse_model_config(text, "here.json"); });
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(ModelConfig, ReadsTinyFlash) {
  const ModelConfig config = load_model_config(FATHOM_TEST_DATA "/tiny-flash/config.json");
  EXPECT_EQ(config.vocab, 512);
  EXPECT_EQ(config.channels, 128);
  EXPECT_EQ(config.layers, 6);
  EXPECT_EQ(config.mtp_layers, 1);
  EXPECT_EQ(config.heads, 4);
  EXPECT_EQ(config.head_dim, 128);
  EXPECT_EQ(config.rope_dim, 64);
  EXPECT_EQ(config.nope_dim(), 64);
  EXPECT_EQ(config.query_latent, 64);
  EXPECT_EQ(config.output_groups, 2);
  EXPECT_EQ(config.output_latent, 32);
  EXPECT_EQ(config.experts, 8);
  EXPECT_EQ(config.shared_experts, 1);
  EXPECT_EQ(config.selected_experts, 3);
  EXPECT_EQ(config.expert_dim, 64);
  EXPECT_EQ(config.hash_layers, 2);
  EXPECT_EQ(config.route_scale, 1.5F);
  EXPECT_EQ(config.swiglu_limit, 10.0F);
  EXPECT_EQ(config.window, 32);
  EXPECT_EQ(config.index_heads, 16);
  EXPECT_EQ(config.index_dim, 64);
  EXPECT_EQ(config.index_topk, 16);
  EXPECT_EQ(config.compress_ratios, (std::vector<std::int64_t>{0, 0, 4, 128, 4, 128, 0}));
  EXPECT_EQ(config.streams, 4);
  EXPECT_EQ(config.sinkhorn_iterations, 20);
  EXPECT_EQ(config.hc_eps, 1e-6F);
  EXPECT_EQ(config.norm_eps, 1e-6F);
  EXPECT_EQ(config.rope_theta, 10000.0);
  EXPECT_EQ(config.compress_rope_theta, 160000.0);
  EXPECT_EQ(config.yarn, (YarnConfig{.factor = 16.0, .original_max_positions = 65536}));
  EXPECT_EQ(config.max_positions, 1048576);
  EXPECT_EQ(config.expert_format, ExpertFormat::fp4);
  EXPECT_EQ(config.bos_token, 0);
  EXPECT_EQ(config.eos_token, 1);
  EXPECT_EQ(config.blocks(), 7);
  EXPECT_EQ(config.attention_kind(0), AttentionKind::sliding);
  EXPECT_EQ(config.attention_kind(2), AttentionKind::csa);
  EXPECT_EQ(config.attention_kind(3), AttentionKind::hca);
  EXPECT_TRUE(config.routes_by_hash(1));
  EXPECT_FALSE(config.routes_by_hash(2));
}

TEST(ModelConfig, ReadsTheOtherOracles) {
  const ModelConfig pro = load_model_config(FATHOM_TEST_DATA "/tiny-pro/config.json");
  EXPECT_EQ(pro.channels, 192);
  EXPECT_EQ(pro.swiglu_limit, 1.0F);
  EXPECT_EQ(pro.hash_layers, 3);
  const ModelConfig sprat = load_model_config(FATHOM_SOURCE "/models/sprat/config.json");
  EXPECT_EQ(sprat.mtp_layers, 0);
  EXPECT_EQ(sprat.compress_ratios, (std::vector<std::int64_t>{0, 4, 128, 4}));
}

TEST(ModelConfig, EveryMissingFieldIsNamed) {
  for (const char* field : {"vocab_size",
                            "hidden_size",
                            "num_hidden_layers",
                            "num_attention_heads",
                            "head_dim",
                            "qk_rope_head_dim",
                            "q_lora_rank",
                            "o_groups",
                            "o_lora_rank",
                            "n_routed_experts",
                            "n_shared_experts",
                            "num_experts_per_tok",
                            "moe_intermediate_size",
                            "num_hash_layers",
                            "routed_scaling_factor",
                            "swiglu_limit",
                            "sliding_window",
                            "index_n_heads",
                            "index_head_dim",
                            "index_topk",
                            "compress_ratios",
                            "hc_mult",
                            "hc_sinkhorn_iters",
                            "hc_eps",
                            "rms_norm_eps",
                            "rope_theta",
                            "compress_rope_theta",
                            "max_position_embeddings",
                            "rope_scaling.factor",
                            "rope_scaling.original_max_position_embeddings"}) {
    const std::string error = parse_error(with_field(tiny_flash_config(), field, ""));
    EXPECT_TRUE(contains(error, std::string(field) + " is missing")) << field << ": " << error;
    EXPECT_TRUE(contains(error, "here.json")) << error;
    EXPECT_FALSE(parse_error(with_field(tiny_flash_config(), field, "null")).empty()) << field;
  }
}

TEST(ModelConfig, OptionalFieldsHaveTheirDefaults) {
  std::string text = tiny_flash_config();
  for (const char* field : {"bos_token_id", "eos_token_id", "expert_dtype", "quantization_config", "model_type",
                            "rope_scaling", "scoring_func", "architectures"})
    text = with_field(text, field, "");
  const ModelConfig config = parse_model_config(text, "here");
  EXPECT_EQ(config.bos_token, 0);
  EXPECT_EQ(config.eos_token, 1);
  EXPECT_EQ(config.expert_format, ExpertFormat::fp8);
  EXPECT_EQ(config.yarn.factor, 1.0);
  EXPECT_EQ(parse_model_config(with_field(text, "eos_token_id", "[3, 4]"), "here").eos_token, 3);
}

TEST(ModelConfig, IllTypedFieldsNameTheirValue) {
  const struct {
    const char* field;
    const char* value;
    const char* said;
  } cases[] = {
      {"hidden_size", "\"128\"", "hidden_size is \"128\", expected a whole number"},
      {"hidden_size", "128.5", "hidden_size is 128.5"},
      {"hidden_size", "true", "hidden_size is true"},
      {"hidden_size", "[1]", "hidden_size is an array"},
      {"hidden_size", "{}", "hidden_size is an object"},
      {"hidden_size", "18446744073709551615", "hidden_size is 18446744073709551615"},
      {"hidden_size", "1e400", ""},
      {"hc_eps", "\"small\"", "hc_eps is \"small\", expected a number"},
      {"compress_ratios", "4", "compress_ratios is 4, expected a list"},
      {"compress_ratios", "[0, \"4\"]", "compress_ratios is \"4\""},
      {"rope_scaling", "7", "rope_scaling is 7, expected an object"},
      {"rope_scaling.type", "\"linear\"", "rope_scaling.type is \"linear\", expected \"yarn\""},
      {"rope_scaling.factor", "[]", "rope_scaling.factor is an array"},
      {"expert_dtype", "\"int4\"", "expert_dtype is \"int4\", expected \"fp4\" or \"fp8\""},
      {"model_type", "\"deepseek_v3\"", "model_type is \"deepseek_v3\""},
      {"scoring_func", "\"sigmoid\"", "scoring_func is \"sigmoid\""},
      {"norm_topk_prob", "false", "norm_topk_prob is false"},
      {"tie_word_embeddings", "true", "tie_word_embeddings is true"},
      {"num_key_value_heads", "2", "num_key_value_heads is 2"},
      {"quantization_config.weight_block_size", "[64, 64]", "quantization_config.weight_block_size is an array"},
  };
  for (const auto& [field, value, said] : cases) {
    std::string text = tiny_flash_config();
    if (std::string_view(value) == "1e400") {
      text.replace(text.find("\"hidden_size\": 128"), 18, "\"hidden_size\": 1e400");
    } else {
      text = with_field(text, field, value);
    }
    const std::string error = parse_error(text);
    EXPECT_FALSE(error.empty()) << field << " = " << value;
    EXPECT_TRUE(contains(error, said)) << error;
  }
}

TEST(ModelConfig, ImpossibleFiguresAreRefusedWithThePlace) {
  const std::string error = parse_error(with_field(tiny_flash_config(), "o_groups", "3"));
  EXPECT_EQ(error, "[config] here.json: num_attention_heads is 4, expected a multiple of o_groups 3");
}

TEST(ModelConfig, RatiosMayLeaveTheMtpBlocksOut) {
  const ModelConfig config =
      parse_model_config(with_field(tiny_flash_config(), "compress_ratios", "[0, 0, 4, 128, 4, 128]"), "here");
  EXPECT_EQ(config.compress_ratios, (std::vector<std::int64_t>{0, 0, 4, 128, 4, 128, 0}));
  EXPECT_TRUE(contains(parse_error(with_field(tiny_flash_config(), "compress_ratios", "[0, 0, 4, 128, 4]")),
                       "compress_ratios has 5 entries, expected 7"));
  EXPECT_TRUE(contains(parse_error(with_field(tiny_flash_config(), "compress_ratios", "[0,0,4,128,4,128,0,0]")),
                       "compress_ratios has 8 entries, expected 7"));
}

TEST(ModelConfig, WithoutCsaNoIndexerIsAskedFor) {
  std::string text = with_field(tiny_flash_config(), "compress_ratios", "[0, 0, 128, 128, 0, 128, 0]");
  for (const char* field : {"index_n_heads", "index_head_dim", "index_topk"}) text = with_field(text, field, "");
  EXPECT_EQ(parse_error(text), "");
}

TEST(ModelConfig, NoJsonIsRefused) {
  for (const char* text : {"", " ", "{", "[]", "null", "3", "\"config\"", "{}", "{\"hidden_size\":", "\xff\xfe", "nul",
                           "{\"layer_types\": 1}", "{\"compress_ratios\": {}}"})
    EXPECT_FALSE(parse_error(text).empty()) << text;
  EXPECT_FALSE(parse_error(std::string(100000, '[')).empty());
  EXPECT_FALSE(parse_error(std::string(20 << 20, ' ')).empty());
  EXPECT_TRUE(contains(error_of([] { load_model_config("/no/such/config.json"); }), "/no/such/config.json"));
}

TEST(ModelConfig, RandomDamageNeverDoesMoreThanRefuse) {
  std::mt19937 random(1);
  const std::string whole = tiny_flash_config();
  for (int round = 0; round < 3000; ++round) {
    std::string text = whole;
    for (int change = 0; change < 3; ++change) {
      const std::size_t place = random() % text.size();
      switch (random() % 3) {
        case 0: text[place] = static_cast<char>(random()); break;
        case 1: text.erase(place, random() % 8); break;
        default: text.insert(place, 1, "0123456789-.,e\"[]{}"[random() % 19]); break;
      }
    }
    parse_error(text);  // an InputError or a config; anything else ends the test
  }
}

}  // namespace
}  // namespace fathom
