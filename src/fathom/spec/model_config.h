// DeepSeek-V4 as data: what config.json says, under the paper's names. Immutable once read.
// Source: the released config.json; report section 4.2 for the meaning of each figure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

inline constexpr std::int64_t kCsaRatio = 4;  // m of the report: the ratio that overlaps and has an indexer

enum class AttentionKind : std::uint8_t {
  sliding,  // ratio 0: the window alone
  csa,      // ratio 4: window + compressed entries that the lightning indexer selects; overlapping compression
  hca,      // any other ratio (128): window + all compressed entries
};

enum class ExpertFormat : std::uint8_t { fp4, fp8 };  // Base checkpoints keep their experts in FP8

struct YarnConfig {
  double factor = 1.0;  // 1 switches YaRN off
  std::int64_t original_max_positions = 65536;
  double beta_fast = 32.0;
  double beta_slow = 1.0;

  bool operator==(const YarnConfig&) const = default;
};

struct ModelConfig {
  std::int64_t vocab = 0;                     // vocab_size
  std::int64_t channels = 0;                  // hidden_size, d
  std::int64_t layers = 0;                    // num_hidden_layers
  std::int64_t mtp_layers = 0;                // num_nextn_predict_layers
  std::int64_t heads = 0;                     // num_attention_heads
  std::int64_t head_dim = 0;                  // c; the last rope_dim of it rotate
  std::int64_t rope_dim = 0;                  // qk_rope_head_dim
  std::int64_t query_latent = 0;              // q_lora_rank, d_c
  std::int64_t output_groups = 0;             // o_groups, g
  std::int64_t output_latent = 0;             // o_lora_rank per group, d_g
  std::int64_t experts = 0;                   // n_routed_experts
  std::int64_t shared_experts = 0;            // n_shared_experts
  std::int64_t selected_experts = 0;          // num_experts_per_tok
  std::int64_t expert_dim = 0;                // moe_intermediate_size
  std::int64_t hash_layers = 0;               // num_hash_layers: the first layers route by token id
  float route_scale = 1.0F;                   // routed_scaling_factor
  float swiglu_limit = 10.0F;                 // clamp of gate (above) and up (both sides); 0 switches it off
  std::int64_t window = 0;                    // sliding_window, n_win
  std::int64_t index_heads = 0;               // index_n_heads
  std::int64_t index_dim = 0;                 // index_head_dim
  std::int64_t index_topk = 0;                // compressed entries a CSA query attends to
  std::vector<std::int64_t> compress_ratios;  // [layers + mtp_layers], 0, 4 or 128
  std::int64_t streams = 4;                   // hc_mult, n_hc
  std::int64_t sinkhorn_iterations = 20;      // hc_sinkhorn_iters
  float hc_eps = 1e-6F;
  float norm_eps = 1e-6F;                 // rms_norm_eps
  double rope_theta = 10000.0;            // ratio-0 layers, without YaRN
  double compress_rope_theta = 160000.0;  // layers with compression, with YaRN
  YarnConfig yarn;
  std::int64_t max_positions = 0;  // max_position_embeddings
  ExpertFormat expert_format = ExpertFormat::fp4;
  std::int64_t bos_token = 0;
  std::int64_t eos_token = 1;

  std::int64_t nope_dim() const { return head_dim - rope_dim; }
  std::int64_t blocks() const { return layers + mtp_layers; }  // trunk blocks, then MTP blocks
  std::int64_t ratio(std::int64_t block) const { return compress_ratios[static_cast<std::size_t>(block)]; }
  AttentionKind attention_kind(std::int64_t block) const;
  // Hash layers route by token id; MTP blocks never do.
  bool routes_by_hash(std::int64_t block) const { return block < hash_layers; }

  bool operator==(const ModelConfig&) const = default;

  // Every figure that cannot be, as "hidden_size is 0, expected 1 to 262144"; empty when all can.
  std::vector<std::string> faults() const;
  // InputError with those faults when there are any.
  void validate() const;
};

// Reads the released config.json. `place` names the source in errors. Missing and ill-typed fields are InputErrors.
ModelConfig parse_model_config(std::string_view json, std::string_view place);
ModelConfig load_model_config(const std::filesystem::path& file);

// "deepseek-v4-flash", "deepseek-v4-pro", their "-base" forms, and small models of this repository, "minnow" and
// "tiny-flash"; InputError lists the names for any other.
ModelConfig preset_model_config(std::string_view name);
std::vector<std::string_view> preset_names();

}  // namespace fathom
