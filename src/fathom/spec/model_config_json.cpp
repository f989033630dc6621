#include "fathom/spec/model_config_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fathom/spec/tensor_table.h"

namespace fathom {
namespace {

// 1e-6F as 1e-06, not as the double nearest to it.
nlohmann::ordered_json shortest(float value) { return nlohmann::ordered_json::parse(fmt::format("{}", value)); }

}  // namespace

std::string model_config_json(const ModelConfig& config) {
  nlohmann::ordered_json file = {
      {"architectures", {"DeepseekV4ForCausalLM"}},
      {"model_type", "deepseek_v4"},
      {"attention_bias", false},
      {"attention_dropout", 0.0},
      {"bos_token_id", config.bos_token},
      {"eos_token_id", config.eos_token},
      {"expert_dtype", config.expert_format == ExpertFormat::fp4 ? "fp4" : "fp8"},
      {"hc_eps", shortest(config.hc_eps)},
      {"hc_mult", config.streams},
      {"hc_sinkhorn_iters", config.sinkhorn_iterations},
      {"head_dim", config.head_dim},
      {"hidden_act", "silu"},
      {"hidden_size", config.channels},
      {"index_head_dim", config.index_dim},
      {"index_n_heads", config.index_heads},
      {"index_topk", config.index_topk},
      {"initializer_range", 0.02},
      {"max_position_embeddings", config.max_positions},
      {"moe_intermediate_size", config.expert_dim},
      {"n_routed_experts", config.experts},
      {"n_shared_experts", config.shared_experts},
      {"norm_topk_prob", true},
      {"num_attention_heads", config.heads},
      {"num_experts_per_tok", config.selected_experts},
      {"num_hash_layers", config.hash_layers},
      {"num_hidden_layers", config.layers},
      {"num_key_value_heads", 1},
      {"num_nextn_predict_layers", config.mtp_layers},
      {"o_groups", config.output_groups},
      {"o_lora_rank", config.output_latent},
      {"q_lora_rank", config.query_latent},
      {"qk_rope_head_dim", config.rope_dim},
      {"rms_norm_eps", shortest(config.norm_eps)},
      {"rope_theta", config.rope_theta},
      {"compress_rope_theta", config.compress_rope_theta},
      {"routed_scaling_factor", shortest(config.route_scale)},
      {"scoring_func", "sqrtsoftplus"},
      {"sliding_window", config.window},
      {"swiglu_limit", shortest(config.swiglu_limit)},
      {"tie_word_embeddings", false},
      {"topk_method", "noaux_tc"},
      {"torch_dtype", "bfloat16"},
      {"vocab_size", config.vocab},
  };
  file["quantization_config"] = {{"activation_scheme", "dynamic"},
                                 {"fmt", "e4m3"},
                                 {"quant_method", "fp8"},
                                 {"scale_fmt", "ue8m0"},
                                 {"weight_block_size", {kFp8Block, kFp8Block}}};
  file["rope_scaling"] = {{"type", "yarn"},
                          {"factor", config.yarn.factor},
                          {"original_max_position_embeddings", config.yarn.original_max_positions},
                          {"beta_fast", config.yarn.beta_fast},
                          {"beta_slow", config.yarn.beta_slow}};
  file["compress_ratios"] = config.compress_ratios;
  return file.dump(2) + "\n";
}

}  // namespace fathom
