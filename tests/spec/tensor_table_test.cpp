#include "fathom/spec/tensor_table.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "fathom/base/error.h"
#include "tests/spec/config_support.h"

namespace fathom {
namespace {

using Shape = std::vector<std::int64_t>;

std::map<std::string, StoredTensor> stored(const ModelConfig& config) {
  std::map<std::string, StoredTensor> tensors;
  for (const TensorSpec& spec : tensor_table(config))
    for (StoredTensor& tensor : stored_tensors(spec, spec.released)) {
      const std::string name = tensor.name;
      EXPECT_TRUE(tensors.emplace(name, std::move(tensor)).second) << name << " comes twice";
    }
  return tensors;
}

// Names, types and shapes of the released headers, one of each kind.
TEST(TensorTable, FlashAsReleased) {
  const auto tensors = stored(preset_model_config("deepseek-v4-flash"));
  const struct {
    const char* name;
    const char* dtype;
    Shape shape;
  } cases[] = {
      {"embed.weight", "BF16", {129280, 4096}},
      {"head.weight", "BF16", {129280, 4096}},
      {"norm.weight", "BF16", {4096}},
      {"hc_head_fn", "F32", {4, 16384}},
      {"hc_head_base", "F32", {4}},
      {"hc_head_scale", "F32", {1}},
      {"layers.0.attn_norm.weight", "BF16", {4096}},
      {"layers.0.hc_attn_fn", "F32", {24, 16384}},
      {"layers.0.hc_ffn_base", "F32", {24}},
      {"layers.0.hc_ffn_scale", "F32", {3}},
      {"layers.0.attn.attn_sink", "F32", {64}},
      {"layers.0.attn.wq_a.weight", "F8_E4M3", {1024, 4096}},
      {"layers.0.attn.wq_a.scale", "F8_E8M0", {8, 32}},
      {"layers.0.attn.wq_b.weight", "F8_E4M3", {32768, 1024}},
      {"layers.0.attn.wkv.weight", "F8_E4M3", {512, 4096}},
      {"layers.0.attn.wo_a.weight", "F8_E4M3", {8192, 4096}},
      {"layers.0.attn.wo_b.weight", "F8_E4M3", {4096, 8192}},
      {"layers.2.attn.compressor.ape", "F32", {4, 1024}},
      {"layers.3.attn.compressor.ape", "F32", {128, 512}},
      {"layers.2.attn.compressor.wkv.weight", "BF16", {1024, 4096}},
      {"layers.3.attn.compressor.wgate.weight", "BF16", {512, 4096}},
      {"layers.2.attn.compressor.norm.weight", "BF16", {512}},
      {"layers.2.attn.indexer.wq_b.weight", "F8_E4M3", {8192, 1024}},
      {"layers.2.attn.indexer.wq_b.scale", "F8_E8M0", {64, 8}},
      {"layers.2.attn.indexer.weights_proj.weight", "BF16", {64, 4096}},
      {"layers.2.attn.indexer.compressor.ape", "F32", {4, 256}},
      {"layers.2.attn.indexer.compressor.wkv.weight", "BF16", {256, 4096}},
      {"layers.2.attn.indexer.compressor.norm.weight", "BF16", {128}},
      {"layers.0.ffn.gate.tid2eid", "I64", {129280, 6}},
      {"layers.3.ffn.gate.bias", "F32", {256}},
      {"layers.0.ffn.gate.weight", "BF16", {256, 4096}},
      {"layers.0.ffn.experts.255.w1.weight", "I8", {2048, 2048}},
      {"layers.0.ffn.experts.255.w1.scale", "F8_E8M0", {2048, 128}},
      {"layers.0.ffn.experts.0.w2.weight", "I8", {4096, 1024}},
      {"layers.0.ffn.experts.0.w2.scale", "F8_E8M0", {4096, 64}},
      {"layers.0.ffn.shared_experts.w2.weight", "F8_E4M3", {4096, 2048}},
      {"mtp.0.e_proj.weight", "F8_E4M3", {4096, 4096}},
      {"mtp.0.h_proj.scale", "F8_E8M0", {32, 32}},
      {"mtp.0.enorm.weight", "BF16", {4096}},
      {"mtp.0.hc_head_fn", "F32", {4, 16384}},
      {"mtp.0.ffn.gate.bias", "F32", {256}},
  };
  for (const auto& [name, dtype, shape] : cases) {
    ASSERT_TRUE(tensors.contains(name)) << name;
    EXPECT_EQ(tensors.at(name).dtype, dtype) << name;
    EXPECT_EQ(tensors.at(name).shape, shape) << name;
  }
  for (const char* name : {"layers.0.ffn.gate.bias", "layers.3.ffn.gate.tid2eid", "mtp.0.ffn.gate.tid2eid",
                           "layers.0.attn.compressor.ape", "layers.3.attn.indexer.wq_b.weight", "mtp.0.embed.weight",
                           "mtp.0.attn.compressor.ape", "layers.43.attn_norm.weight", "mtp.1.norm.weight"})
    EXPECT_FALSE(tensors.contains(name)) << name;
}

TEST(TensorTable, EdgeBlocksHaveScalesToo) {
  ModelConfig config = load_model_config(FATHOM_TEST_DATA "/tiny-pro/config.json");
  const auto tensors = stored(config);
  EXPECT_EQ(tensors.at("layers.0.attn.wo_b.scale").shape, (Shape{2, 2}));  // [192, 256]
  EXPECT_EQ(tensors.at("layers.0.attn.wq_a.scale").shape, (Shape{1, 2}));  // [96, 192]
  EXPECT_EQ(tensors.at("layers.0.ffn.experts.0.w2.scale").shape, (Shape{192, 3}));
}

TEST(TensorTable, EveryStorageThatIsAllowedHasShapes) {
  for (const std::string_view name : preset_names()) {
    std::set<Storage> seen;
    for (const TensorSpec& spec : tensor_table(preset_model_config(name))) {
      ASSERT_NE(std::find(spec.allowed.begin(), spec.allowed.end(), spec.released), spec.allowed.end()) << spec.name;
      for (const Storage storage : spec.allowed) {
        seen.insert(storage);
        const auto tensors = stored_tensors(spec, storage);
        const bool scaled = storage == Storage::fp8_block || storage == Storage::fp4_group;
        ASSERT_EQ(tensors.size(), scaled ? 2U : 1U);
        ASSERT_EQ(tensors[0].elements() * (storage == Storage::fp4_group ? 2 : 1), spec.elements());
        ASSERT_EQ(tensors[0].name, values_name(spec));
      }
    }
    EXPECT_EQ(seen.size(), 6U);
  }
}

TEST(TensorTable, RefusesAnImpossibleConfig) {
  EXPECT_NE(testing::error_of([] { tensor_table(ModelConfig{}); }), "");
}

TEST(TensorTable, SeveralMtpBlocksAreNumbered) {
  ModelConfig config = load_model_config(FATHOM_TEST_DATA "/tiny-flash/config.json");
  config.mtp_layers = 2;
  config.compress_ratios.push_back(4);
  const auto tensors = stored(config);
  EXPECT_TRUE(tensors.contains("mtp.1.attn.indexer.wq_b.scale"));
  EXPECT_FALSE(tensors.contains("mtp.0.attn.indexer.wq_b.scale"));
}

}  // namespace
}  // namespace fathom
