#include "fathom/checkpoint/released_names.h"

#include <gtest/gtest.h>

#include "fathom/spec/tensor_table.h"

namespace fathom {
namespace {

TEST(ReleasedNames, ReleasedOnesStay) {
  for (const std::string_view preset : preset_names()) {
    ModelConfig config = preset_model_config(preset);
    config.experts = 8;  // the names of eight show what those of 384 would
    for (const TensorSpec& spec : tensor_table(config))
      for (const StoredTensor& tensor : stored_tensors(spec, spec.released)) {
        const ReleasedName name = released_name(tensor.name);
        ASSERT_EQ(name.name, tensor.name);
        ASSERT_EQ(name.stack, Stack::none);
      }
  }
}

TEST(ReleasedNames, TransformersNames) {
  const std::pair<const char*, const char*> cases[] = {
      {"model.embed_tokens.weight", "embed.weight"},
      {"embed_tokens.weight", "embed.weight"},
      {"lm_head.weight", "head.weight"},
      {"model.norm.weight", "norm.weight"},
      {"model.hc_head.hc_fn", "hc_head_fn"},
      {"model.hc_head.hc_base", "hc_head_base"},
      {"model.hc_head.hc_scale", "hc_head_scale"},
      {"model.layers.3.input_layernorm.weight", "layers.3.attn_norm.weight"},
      {"model.layers.3.post_attention_layernorm.weight", "layers.3.ffn_norm.weight"},
      {"model.layers.3.attn_hc.fn", "layers.3.hc_attn_fn"},
      {"model.layers.3.ffn_hc.scale", "layers.3.hc_ffn_scale"},
      {"model.layers.12.self_attn.sinks", "layers.12.attn.attn_sink"},
      {"model.layers.3.self_attn.q_a_proj.weight", "layers.3.attn.wq_a.weight"},
      {"model.layers.3.self_attn.q_a_proj.weight_scale_inv", "layers.3.attn.wq_a.scale"},
      {"model.layers.3.self_attn.q_a_norm.weight", "layers.3.attn.q_norm.weight"},
      {"model.layers.3.self_attn.q_b_proj.weight", "layers.3.attn.wq_b.weight"},
      {"model.layers.3.self_attn.kv_proj.weight", "layers.3.attn.wkv.weight"},
      {"model.layers.3.self_attn.kv_norm.weight", "layers.3.attn.kv_norm.weight"},
      {"model.layers.3.self_attn.o_a_proj.weight", "layers.3.attn.wo_a.weight"},
      {"model.layers.3.self_attn.o_b_proj.weight_scale", "layers.3.attn.wo_b.scale"},
      {"model.layers.3.self_attn.compressor.position_bias", "layers.3.attn.compressor.ape"},
      {"model.layers.3.self_attn.compressor.kv_proj.weight", "layers.3.attn.compressor.wkv.weight"},
      {"model.layers.3.self_attn.compressor.gate_proj.weight", "layers.3.attn.compressor.wgate.weight"},
      {"model.layers.3.self_attn.compressor.kv_norm.weight", "layers.3.attn.compressor.norm.weight"},
      {"model.layers.3.self_attn.compressor.indexer.q_b_proj.weight", "layers.3.attn.indexer.wq_b.weight"},
      {"model.layers.3.self_attn.compressor.indexer.scorer.weights_proj.weight",
       "layers.3.attn.indexer.weights_proj.weight"},
      {"model.layers.3.self_attn.compressor.indexer.weights_proj.weight", "layers.3.attn.indexer.weights_proj.weight"},
      {"model.layers.3.self_attn.compressor.indexer.kv_proj.weight", "layers.3.attn.indexer.compressor.wkv.weight"},
      {"model.layers.3.self_attn.compressor.indexer.gate_proj.weight", "layers.3.attn.indexer.compressor.wgate.weight"},
      {"model.layers.3.self_attn.compressor.indexer.kv_norm.weight", "layers.3.attn.indexer.compressor.norm.weight"},
      {"model.layers.3.self_attn.compressor.indexer.position_bias", "layers.3.attn.indexer.compressor.ape"},
      {"model.layers.3.mlp.gate.weight", "layers.3.ffn.gate.weight"},
      {"model.layers.3.mlp.gate.tid2eid", "layers.3.ffn.gate.tid2eid"},
      {"model.layers.3.mlp.gate.e_score_correction_bias", "layers.3.ffn.gate.bias"},
      {"model.layers.3.mlp.shared_experts.gate_proj.weight", "layers.3.ffn.shared_experts.w1.weight"},
      {"model.layers.3.mlp.shared_experts.up_proj.weight", "layers.3.ffn.shared_experts.w3.weight"},
      {"model.layers.3.mlp.shared_experts.down_proj.weight_scale_inv", "layers.3.ffn.shared_experts.w2.scale"},
      {"model.layers.3.mlp.experts.17.gate_proj.weight", "layers.3.ffn.experts.17.w1.weight"},
      {"model.layers.3.mlp.experts.17.down_proj.weight_scale_inv", "layers.3.ffn.experts.17.w2.scale"},
  };
  for (const auto& [theirs, released] : cases) {
    EXPECT_EQ(released_name(theirs).name, released) << theirs;
    EXPECT_EQ(released_name(theirs).stack, Stack::none) << theirs;
  }
}

TEST(ReleasedNames, Stacks) {
  for (const char* ending : {"", ".weight"}) {
    const ReleasedName name = released_name(std::string("model.layers.4.mlp.experts.gate_up_proj") + ending);
    EXPECT_EQ(name.name, "layers.4.ffn.experts.");
    EXPECT_EQ(name.stack, Stack::gate_up);
    EXPECT_FALSE(name.scale);
  }
  for (const char* ending : {"_scale_inv", "_scale", ".scale", ".weight_scale_inv"}) {
    const ReleasedName name = released_name(std::string("model.layers.4.mlp.experts.down_proj") + ending);
    EXPECT_EQ(name.stack, Stack::down);
    EXPECT_TRUE(name.scale);
  }
  EXPECT_EQ(released_name("model.layers.4.mlp.experts.gate_up_proj.bias").stack, Stack::none);
}

TEST(ReleasedNames, StrangeNamesPass) {
  for (const char* name : {"", ".", "layers", "layers.", "layers.x", "layers.1", "layers.1.", "mtp.", "layers.-1.attn",
                           "weight_scale_inv", "layers.1.mlp.experts.", "layers.1.mlp.experts.7"}) {
    EXPECT_NO_THROW(released_name(name)) << name;
  }
  EXPECT_EQ(released_name("vision.tower.weight").name, "vision.tower.weight");
}

}  // namespace
}  // namespace fathom
