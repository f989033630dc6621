#include "fathom/spec/model_config.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/base/mapped_file.h"
#include "fathom/spec/transformers_config.h"

namespace fathom {
namespace {

using nlohmann::json;

constexpr std::size_t kConfigLimit = std::size_t{16} << 20;  // bytes; the released file has 1,749
constexpr std::int64_t kScaleBlock = 128;                    // weight_block_size of every release

// Typed access to one object of the file; every refusal names the file, the field, what was found and what would do.
class Fields {
 public:
  Fields(const json& object, std::string_view place, std::string prefix = "")
      : object_(object), place_(place), prefix_(std::move(prefix)) {
    if (object.is_object()) return;
    const std::string_view what =
        prefix_.empty() ? "the file" : std::string_view(prefix_).substr(0, prefix_.size() - 1);
    throw InputError("[config] {}: {} is {}, expected an object", place_, what, shown(object));
  }

  const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  std::int64_t integer(const char* name) const { return as_integer(required(name), name); }
  std::int64_t integer(const char* name, std::int64_t otherwise) const {
    const json* found = find(name);
    return found == nullptr ? otherwise : as_integer(*found, name);
  }
  double number(const char* name) const { return as_number(required(name), name); }
  double number(const char* name, double otherwise) const {
    const json* found = find(name);
    return found == nullptr ? otherwise : as_number(*found, name);
  }
  std::vector<std::int64_t> integers(const char* name) const {
    const json& list = required(name);
    if (!list.is_array()) refuse(name, list, "a list of whole numbers");
    std::vector<std::int64_t> values;
    values.reserve(list.size());
    for (const json& value : list) values.push_back(as_integer(value, name));
    return values;
  }
  // What fathom computes is fixed where the releases agree; a file that asks for anything else is refused.
  void only(const char* name, const json& expected) const {
    const json* found = find(name);
    if (found != nullptr && *found != expected)
      refuse(name, *found, expected.dump() + ", the only one DeepSeek-V4 has");
  }

  [[noreturn]] void refuse(const char* name, const json& found, std::string_view expected) const {
    throw InputError("[config] {}: {}{} is {}, expected {}", place_, prefix_, name, shown(found), expected);
  }

 private:
  const json& required(const char* name) const {
    const json* found = find(name);
    if (found == nullptr) throw InputError("[config] {}: {}{} is missing", place_, prefix_, name);
    return *found;
  }
  std::int64_t as_integer(const json& value, const char* name) const {
    const bool fits =
        value.is_number_integer() &&
        !(value.is_number_unsigned() &&
          value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    if (!fits) refuse(name, value, "a whole number");
    return value.get<std::int64_t>();
  }
  double as_number(const json& value, const char* name) const {
    if (!value.is_number()) refuse(name, value, "a number");
    return value.get<double>();
  }
  // Short, and printable whatever bytes the file holds.
  static std::string shown(const json& value) {
    if (value.is_object() || value.is_array()) return fmt::format("an {}", value.type_name());
    std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
  }

  const json& object_;
  std::string_view place_;
  std::string prefix_;
};

void read_sizes(const Fields& fields, ModelConfig& config) {
  config.vocab = fields.integer("vocab_size");
  config.channels = fields.integer("hidden_size");
  config.layers = fields.integer("num_hidden_layers");
  config.mtp_layers = fields.integer("num_nextn_predict_layers", 0);
  config.heads = fields.integer("num_attention_heads");
  config.head_dim = fields.integer("head_dim");
  config.rope_dim = fields.integer("qk_rope_head_dim");
  config.query_latent = fields.integer("q_lora_rank");
  config.output_groups = fields.integer("o_groups");
  config.output_latent = fields.integer("o_lora_rank");
  config.window = fields.integer("sliding_window");
  config.max_positions = fields.integer("max_position_embeddings");
  config.streams = fields.integer("hc_mult");
  config.sinkhorn_iterations = fields.integer("hc_sinkhorn_iters");
  config.hc_eps = static_cast<float>(fields.number("hc_eps"));
  config.norm_eps = static_cast<float>(fields.number("rms_norm_eps"));
}

void read_experts(const Fields& fields, ModelConfig& config) {
  config.experts = fields.integer("n_routed_experts");
  config.shared_experts = fields.integer("n_shared_experts");
  config.selected_experts = fields.integer("num_experts_per_tok");
  config.expert_dim = fields.integer("moe_intermediate_size");
  config.hash_layers = fields.integer("num_hash_layers");
  config.route_scale = static_cast<float>(fields.number("routed_scaling_factor"));
  config.swiglu_limit = static_cast<float>(fields.number("swiglu_limit"));
  if (const json* format = fields.find("expert_dtype")) {
    if (*format == "fp4") {
      config.expert_format = ExpertFormat::fp4;
    } else if (*format == "fp8") {
      config.expert_format = ExpertFormat::fp8;
    } else {
      fields.refuse("expert_dtype", *format, "\"fp4\" or \"fp8\"");
    }
  } else {
    // A file without the field is a Base checkpoint's or a conversion's; the tensors themselves say more (checkpoint/).
    config.expert_format = ExpertFormat::fp8;
  }
}

// The list has one ratio per trunk layer and then one per MTP block; a list of the trunk alone leaves MTP blocks at 0.
void read_attention(const Fields& fields, ModelConfig& config) {
  config.compress_ratios = fields.integers("compress_ratios");
  if (std::cmp_equal(config.compress_ratios.size(), config.layers) && config.mtp_layers > 0 && config.mtp_layers < 64)
    config.compress_ratios.resize(config.compress_ratios.size() + static_cast<std::size_t>(config.mtp_layers), 0);
  const bool any_csa = std::find(config.compress_ratios.begin(), config.compress_ratios.end(), kCsaRatio) !=
                       config.compress_ratios.end();
  config.index_heads = any_csa ? fields.integer("index_n_heads") : fields.integer("index_n_heads", 0);
  config.index_dim = any_csa ? fields.integer("index_head_dim") : fields.integer("index_head_dim", 0);
  config.index_topk = any_csa ? fields.integer("index_topk") : fields.integer("index_topk", 0);
}

void read_rope(const Fields& fields, std::string_view place, ModelConfig& config) {
  config.rope_theta = fields.number("rope_theta");
  config.compress_rope_theta = fields.number("compress_rope_theta");
  const json* scaling = fields.find("rope_scaling");
  if (scaling == nullptr) {
    config.yarn.factor = 1.0;
    return;
  }
  const Fields yarn(*scaling, place, "rope_scaling.");
  yarn.only("type", "yarn");
  yarn.only("rope_type", "yarn");
  config.yarn.factor = yarn.number("factor");
  config.yarn.original_max_positions = yarn.integer("original_max_position_embeddings");
  config.yarn.beta_fast = yarn.number("beta_fast", config.yarn.beta_fast);
  config.yarn.beta_slow = yarn.number("beta_slow", config.yarn.beta_slow);
}

void read_tokens(const Fields& fields, ModelConfig& config) {
  config.bos_token = fields.integer("bos_token_id", 0);
  const json* eos = fields.find("eos_token_id");
  if (eos != nullptr && eos->is_array() && !eos->empty()) {
    config.eos_token = fields.integers("eos_token_id").front();
  } else {
    config.eos_token = fields.integer("eos_token_id", 1);
  }
}

void refuse_other_models(const Fields& fields, std::string_view place) {
  fields.only("model_type", "deepseek_v4");
  fields.only("scoring_func", "sqrtsoftplus");
  fields.only("topk_method", "noaux_tc");
  fields.only("norm_topk_prob", true);
  fields.only("num_key_value_heads", 1);
  fields.only("tie_word_embeddings", false);
  fields.only("attention_bias", false);
  fields.only("mlp_bias", false);
  fields.only("hidden_act", "silu");
  if (const json* quantization = fields.find("quantization_config")) {
    const Fields blocks(*quantization, place, "quantization_config.");
    blocks.only("weight_block_size", json::array({kScaleBlock, kScaleBlock}));
  }
}

}  // namespace

AttentionKind ModelConfig::attention_kind(std::int64_t block) const {
  switch (ratio(block)) {
    case 0: return AttentionKind::sliding;
    case kCsaRatio: return AttentionKind::csa;
    default: return AttentionKind::hca;
  }
}

ModelConfig parse_model_config(std::string_view text, std::string_view place) {
  if (text.size() > kConfigLimit)
    throw InputError("[config] {}: the file has {} bytes, expected at most {}", place, text.size(), kConfigLimit);
  json file;
  try {
    file = json::parse(text);
  } catch (const json::exception& error) {
    throw InputError("[config] {}: not JSON: {}", place, error.what());
  }
  if (file.is_object() && !file.contains("compress_ratios")) file = json::parse(released_config_spelling(text, place));
  const Fields fields(file, place);
  refuse_other_models(fields, place);
  ModelConfig config;
  read_sizes(fields, config);
  read_experts(fields, config);
  read_attention(fields, config);
  read_rope(fields, place, config);
  read_tokens(fields, config);
  const std::vector<std::string> faults = config.faults();
  if (!faults.empty()) throw InputError("[config] {}: {}", place, fmt::join(faults, "; "));
  return config;
}

ModelConfig load_model_config(const std::filesystem::path& file) {
  return parse_model_config(read_text_file(file, kConfigLimit), file.string());
}

}  // namespace fathom
