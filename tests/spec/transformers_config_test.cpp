#include "fathom/spec/transformers_config.h"

#include <gtest/gtest.h>

#include "fathom/base/error.h"
#include "fathom/spec/model_config.h"
#include "tests/spec/config_support.h"

namespace fathom {
namespace {

using testing::with_field;

// tiny-flash as transformers would save it.
std::string saved_config() {
  std::string text = testing::tiny_flash_config();
  for (const char* field :
       {"compress_ratios", "num_hash_layers", "qk_rope_head_dim", "rope_theta", "compress_rope_theta", "rope_scaling"})
    text = with_field(text, field, "");
  text = with_field(text, "layer_types", R"(["sliding_attention", "sliding_attention", "compressed_sparse_attention",
      "heavily_compressed_attention", "compressed_sparse_attention", "heavily_compressed_attention"])");
  text = with_field(text, "mlp_layer_types", R"(["hash_moe", "hash_moe", "moe", "moe", "moe", "moe"])");
  text =
      with_field(text, "compress_rates", R"({"compressed_sparse_attention": 4, "heavily_compressed_attention": 128})");
  text = with_field(text, "partial_rotary_factor", "0.5");
  return with_field(text, "rope_parameters",
                    R"({"main": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
                        "compress": {"rope_type": "yarn", "rope_theta": 160000.0, "factor": 16, "beta_fast": 32,
                                     "beta_slow": 1, "original_max_position_embeddings": 65536,
                                     "attention_factor": 1.0}})");
}

TEST(TransformersConfig, MeansTheSame) {
  EXPECT_EQ(parse_model_config(saved_config(), "saved"), load_model_config(FATHOM_TEST_DATA "/tiny-flash/config.json"));
}

TEST(TransformersConfig, ReleasedFieldsWin) {
  const ModelConfig config = parse_model_config(with_field(saved_config(), "rope_theta", "5000"), "saved");
  EXPECT_EQ(config.rope_theta, 5000.0);
}

TEST(TransformersConfig, OtherRatesCount) {
  const std::string text = with_field(saved_config(), "compress_rates", R"({"heavily_compressed_attention": 64})");
  EXPECT_EQ(parse_model_config(text, "saved").compress_ratios, (std::vector<std::int64_t>{0, 0, 4, 64, 4, 64, 0}));
}

TEST(TransformersConfig, PlainCompressRopeSwitchesYarnOff) {
  const std::string text = with_field(saved_config(), "rope_parameters.compress", R"({"rope_theta": 160000.0})");
  EXPECT_EQ(parse_model_config(text, "saved").yarn.factor, 1.0);
}

TEST(TransformersConfig, FaultsNameTheField) {
  const struct {
    const char* field;
    const char* value;
    const char* said;
  } cases[] = {
      {"layer_types", "", "compress_ratios is missing, and so is layer_types"},
      {"layer_types", "3", "layer_types is no list"},
      {"layer_types", R"(["sliding_attention", "full_attention"])", "layer_types entry 1 is unknown"},
      {"layer_types", "[0]", "layer_types entry 0 is unknown"},
      {"layer_types", "[]", "compress_ratios has 0 entries"},
      {"mlp_layer_types", "{}", "mlp_layer_types is no list"},
      {"mlp_layer_types", R"(["moe", "hash_moe"])", "mlp_layer_types entry 1 is not \"moe\""},
      {"mlp_layer_types", "", "num_hash_layers is missing"},
      {"compress_rates", R"({"compressed_sparse_attention": "four"})", "compress_ratios is \"four\""},
      {"rope_parameters", "4", "rope_theta is missing"},
      {"rope_parameters", R"({"main": 1, "compress": []})", "rope_theta is missing"},
      {"partial_rotary_factor", "\"half\"", "qk_rope_head_dim is missing"},
      {"partial_rotary_factor", "1e300", "qk_rope_head_dim is missing"},
      {"partial_rotary_factor", "-3", "qk_rope_head_dim is missing"},
  };
  for (const auto& [field, value, said] : cases) {
    const std::string error = testing::error_of([&, &field_ = field, &value_ = value] {
      parse_model_config(with_field(saved_config(), field_, value_), "saved");
    });
    EXPECT_NE(error.find(said), std::string::npos) << field << ": " << error;
  }
}

}  // namespace
}  // namespace fathom
