#include "fathom/checkpoint/released_names.h"

#include <span>
#include <utility>

namespace fathom {
namespace {

using Rule = std::pair<std::string_view, std::string_view>;  // transformers, released

constexpr Rule kTopRules[] = {
    {"embed_tokens.", "embed."},
    {"lm_head.", "head."},
    {"hc_head.hc_", "hc_head_"},
};

constexpr Rule kBlockRules[] = {
    {"input_layernorm.", "attn_norm."}, {"post_attention_layernorm.", "ffn_norm."},
    {"attn_hc.", "hc_attn_"},           {"ffn_hc.", "hc_ffn_"},
    {"hc_head.hc_", "hc_head_"},
};

// The longer beginnings first: the first rule that fits is taken.
constexpr Rule kAttentionRules[] = {
    {"sinks", "attn_sink"},
    {"q_a_proj.", "wq_a."},
    {"q_a_norm.", "q_norm."},
    {"q_b_proj.", "wq_b."},
    {"kv_proj.", "wkv."},
    {"o_a_proj.", "wo_a."},
    {"o_b_proj.", "wo_b."},
    {"compressor.indexer.q_b_proj.", "indexer.wq_b."},
    {"compressor.indexer.scorer.weights_proj.", "indexer.weights_proj."},
    {"compressor.indexer.weights_proj.", "indexer.weights_proj."},
    {"compressor.indexer.kv_proj.", "indexer.compressor.wkv."},
    {"compressor.indexer.gate_proj.", "indexer.compressor.wgate."},
    {"compressor.indexer.kv_norm.", "indexer.compressor.norm."},
    {"compressor.indexer.position_bias", "indexer.compressor.ape"},
    {"compressor.kv_proj.", "compressor.wkv."},
    {"compressor.gate_proj.", "compressor.wgate."},
    {"compressor.kv_norm.", "compressor.norm."},
    {"compressor.position_bias", "compressor.ape"},
};

constexpr Rule kProjectionRules[] = {
    {"gate_proj.", "w1."},
    {"down_proj.", "w2."},
    {"up_proj.", "w3."},
};

bool take(std::string_view& text, std::string_view beginning) {
  if (!text.starts_with(beginning)) return false;
  text.remove_prefix(beginning.size());
  return true;
}

// `text` with the first rule that fits its beginning applied.
std::string apply_rules(std::string_view text, std::span<const Rule> rules) {
  for (const auto& [theirs, released] : rules)
    if (take(text, theirs)) return std::string(released) + std::string(text);
  return std::string(text);
}

// "weight_scale_inv" and "weight_scale" are the released "scale".
std::string with_released_ending(std::string name) {
  for (const std::string_view ending : {".weight_scale_inv", ".weight_scale"}) {
    if (!name.ends_with(ending)) continue;
    name.resize(name.size() - ending.size());
    return name + ".scale";
  }
  return name;
}

// Cuts "12." off the front and returns it; empty when the text does not begin with a number.
std::string_view take_number(std::string_view& text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || digits == text.size() || text[digits] != '.') return {};
  const std::string_view number = text.substr(0, digits + 1);
  text.remove_prefix(digits + 1);
  return number;
}

bool is_stack(std::string_view rest, std::string_view projection, ReleasedName& result) {
  if (!take(rest, projection)) return false;
  const bool values = rest.empty() || rest == ".weight";
  const bool scale = rest == ".scale" || rest == "_scale" || rest == "_scale_inv" || rest == ".weight_scale_inv" ||
                     rest == ".weight_scale";
  if (!values && !scale) return false;
  result.scale = scale;
  return true;
}

// What follows "ffn." or "mlp.".
ReleasedName feed_forward(std::string_view prefix, std::string_view rest) {
  ReleasedName result{.name = std::string(prefix) + "ffn."};
  if (rest == "gate.e_score_correction_bias") {
    result.name += "gate.bias";
  } else if (take(rest, "shared_experts.")) {
    result.name += "shared_experts." + apply_rules(rest, kProjectionRules);
  } else if (take(rest, "experts.")) {
    result.name += "experts.";
    if (is_stack(rest, "gate_up_proj", result)) {
      result.stack = Stack::gate_up;
    } else if (is_stack(rest, "down_proj", result)) {
      result.stack = Stack::down;
    } else {
      result.name += take_number(rest);
      result.name += apply_rules(rest, kProjectionRules);
    }
  } else {
    result.name += rest;
  }
  return result;
}

}  // namespace

ReleasedName released_name(std::string_view name) {
  std::string_view rest = name;
  take(rest, "model.");
  const std::string_view after_model = rest;
  if (!take(rest, "layers.") && !take(rest, "mtp."))
    return {.name = with_released_ending(apply_rules(rest, kTopRules))};
  const std::string_view number = take_number(rest);
  if (number.empty()) return {.name = std::string(name)};
  const std::string_view prefix = after_model.substr(0, after_model.size() - rest.size());
  ReleasedName result;
  if (take(rest, "mlp.") || take(rest, "ffn.")) {
    result = feed_forward(prefix, rest);
  } else if (take(rest, "self_attn.")) {
    result.name = std::string(prefix) + "attn." + apply_rules(rest, kAttentionRules);
  } else {
    result.name = std::string(prefix) + apply_rules(rest, kBlockRules);
  }
  if (result.stack == Stack::none) result.name = with_released_ending(std::move(result.name));
  return result;
}

}  // namespace fathom
