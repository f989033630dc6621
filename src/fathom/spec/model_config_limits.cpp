// Which figures can be. Upper limits are far above any release and low enough that no product of them overflows:
// the largest, experts * 3 * channels * expert_dim over all blocks, stays below 2^60.
#include <fmt/format.h>

#include <bit>
#include <concepts>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/spec/model_config.h"
#include "fathom/spec/tensor_table.h"

namespace fathom {
namespace {

constexpr std::int64_t kMostBlocks = 1024;
constexpr std::int64_t kMostExpertsInAll = std::int64_t{1} << 20;  // over all blocks; Pro has 23,808
constexpr std::int64_t kMostChannels = std::int64_t{1} << 18;
constexpr std::int64_t kMostPositions = (std::int64_t{1} << 31) - 1;

class Faults {
 public:
  void within(const char* field, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value < least || value > most) add("{} is {}, expected {} to {}", field, value, least, most);
  }
  // float and double, each printed in its own shortest form.
  template <std::floating_point Value>
  void within(const char* field, Value value, double least, double most) {
    if (!(value >= least && value <= most)) add("{} is {}, expected {} to {}", field, value, least, most);
  }
  template <typename... Args>
  void add(fmt::format_string<Args...> text, Args&&... args) {
    list_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
  bool empty() const { return list_.empty(); }
  std::vector<std::string> take() { return std::move(list_); }

 private:
  std::vector<std::string> list_;
};

void check_ranges(const ModelConfig& config, Faults& faults) {
  faults.within("vocab_size", config.vocab, 1, 1 << 24);
  faults.within("hidden_size", config.channels, 1, kMostChannels);
  faults.within("num_hidden_layers", config.layers, 1, kMostBlocks);
  faults.within("num_nextn_predict_layers", config.mtp_layers, 0, 16);
  faults.within("num_attention_heads", config.heads, 1, 4096);
  faults.within("head_dim", config.head_dim, 1, 8192);
  faults.within("qk_rope_head_dim", config.rope_dim, 2, 8192);
  faults.within("q_lora_rank", config.query_latent, 1, kMostChannels);
  faults.within("o_groups", config.output_groups, 1, 4096);
  faults.within("o_lora_rank", config.output_latent, 1, kMostChannels);
  faults.within("n_routed_experts", config.experts, 1, 1 << 14);
  faults.within("num_experts_per_tok", config.selected_experts, 1, 1 << 14);
  faults.within("n_shared_experts", config.shared_experts, 1, 1);
  faults.within("moe_intermediate_size", config.expert_dim, 1, 1 << 20);
  faults.within("num_hash_layers", config.hash_layers, 0, kMostBlocks);
  faults.within("sliding_window", config.window, 1, 1 << 20);
  faults.within("hc_mult", config.streams, 1, 64);
  faults.within("hc_sinkhorn_iters", config.sinkhorn_iterations, 1, 10000);
  faults.within("max_position_embeddings", config.max_positions, 1, kMostPositions);
  faults.within("hc_eps", config.hc_eps, 0.0, 1.0);
  faults.within("rms_norm_eps", config.norm_eps, 0.0, 1.0);
  faults.within("routed_scaling_factor", config.route_scale, 0.0, 1e6);
  faults.within("swiglu_limit", config.swiglu_limit, 0.0, 1e30);
  faults.within("rope_theta", config.rope_theta, 1.0, 1e15);
  faults.within("compress_rope_theta", config.compress_rope_theta, 1.0, 1e15);
  faults.within("rope_scaling.factor", config.yarn.factor, 1.0, 1e6);
  faults.within("rope_scaling.original_max_position_embeddings", config.yarn.original_max_positions, 1, kMostPositions);
  faults.within("rope_scaling.beta_slow", config.yarn.beta_slow, 1e-6, 1e9);
  faults.within("rope_scaling.beta_fast", config.yarn.beta_fast, 1e-6, 1e9);
}

bool check_ratios(const ModelConfig& config, Faults& faults) {
  const auto expected = static_cast<std::size_t>(config.blocks());
  if (config.compress_ratios.size() != expected) {
    faults.add("compress_ratios has {} entries, expected {}: {} layers and {} MTP layers",
               config.compress_ratios.size(), expected, config.layers, config.mtp_layers);
    return false;
  }
  for (std::int64_t block = 0; block < config.blocks(); ++block) {
    if (config.ratio(block) >= 0 && config.ratio(block) <= (1 << 20)) continue;
    faults.add("compress_ratios entry {} is {}, expected 0 (window only), 4 (CSA) or another ratio up to 1048576 (HCA)",
               block, config.ratio(block));
    return false;
  }
  return true;
}

void check_indexer(const ModelConfig& config, Faults& faults) {
  bool any_csa = false;
  for (std::int64_t block = 0; block < config.blocks(); ++block)
    any_csa = any_csa || config.attention_kind(block) == AttentionKind::csa;
  if (!any_csa) return;
  faults.within("index_n_heads", config.index_heads, 1, 4096);
  faults.within("index_topk", config.index_topk, 1, kMostPositions);
  // Its queries and keys go through a Hadamard transform, which powers of two have.
  const bool power = config.index_dim > 0 && std::has_single_bit(static_cast<std::uint64_t>(config.index_dim));
  if (!power || config.index_dim < config.rope_dim || config.index_dim > 8192)
    faults.add("index_head_dim is {}, expected a power of two from qk_rope_head_dim {} to 8192", config.index_dim,
               config.rope_dim);
}

void check_relations(const ModelConfig& config, Faults& faults) {
  if (config.rope_dim % 2 != 0)
    faults.add("qk_rope_head_dim is {}, expected an even number: it rotates in pairs", config.rope_dim);
  if (config.rope_dim >= config.head_dim)
    faults.add("head_dim is {}, expected more than qk_rope_head_dim {}", config.head_dim, config.rope_dim);
  if (config.heads % config.output_groups != 0)
    faults.add("num_attention_heads is {}, expected a multiple of o_groups {}", config.heads, config.output_groups);
  if (config.selected_experts > config.experts)
    faults.add("num_experts_per_tok is {}, expected at most n_routed_experts {}", config.selected_experts,
               config.experts);
  if (config.hash_layers > config.layers)
    faults.add("num_hash_layers is {}, expected at most num_hidden_layers {}", config.hash_layers, config.layers);
  if (config.blocks() * config.experts > kMostExpertsInAll)
    faults.add("n_routed_experts is {} in each of {} blocks, expected at most {} in all", config.experts,
               config.blocks(), kMostExpertsInAll);
  if (config.expert_format == ExpertFormat::fp4) {
    if (config.channels % kFp4Group != 0)
      faults.add("hidden_size is {}, expected a multiple of {}: FP4 experts share a scale per {} columns",
                 config.channels, kFp4Group, kFp4Group);
    if (config.expert_dim % kFp4Group != 0)
      faults.add("moe_intermediate_size is {}, expected a multiple of {}: FP4 experts share a scale per {} columns",
                 config.expert_dim, kFp4Group, kFp4Group);
  }
  if (config.yarn.beta_fast < config.yarn.beta_slow)
    faults.add("rope_scaling.beta_fast is {}, expected at least rope_scaling.beta_slow {}", config.yarn.beta_fast,
               config.yarn.beta_slow);
  if (config.bos_token < 0 || config.bos_token >= config.vocab)
    faults.add("bos_token_id is {}, expected 0 to {}", config.bos_token, config.vocab - 1);
  if (config.eos_token < 0 || config.eos_token >= config.vocab)
    faults.add("eos_token_id is {}, expected 0 to {}", config.eos_token, config.vocab - 1);
}

}  // namespace

std::vector<std::string> ModelConfig::faults() const {
  Faults faults;
  check_ranges(*this, faults);
  if (!faults.empty()) return faults.take();  // the relations below divide by these figures and multiply them
  check_relations(*this, faults);
  if (check_ratios(*this, faults)) check_indexer(*this, faults);
  return faults.take();
}

void ModelConfig::validate() const {
  const std::vector<std::string> list = faults();
  if (!list.empty()) throw InputError("[config] {}", fmt::join(list, "; "));
}

}  // namespace fathom
