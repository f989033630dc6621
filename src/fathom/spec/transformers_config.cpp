#include "fathom/spec/transformers_config.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "fathom/base/error.h"

namespace fathom {
namespace {

using nlohmann::json;

constexpr const char* kSliding = "sliding_attention";
constexpr const char* kCsa = "compressed_sparse_attention";
constexpr const char* kHca = "heavily_compressed_attention";

const json* find(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

json ratio_of(const json& file, const char* kind, int otherwise) {
  const json* rates = find(file, "compress_rates");
  const json* rate = rates == nullptr ? nullptr : find(*rates, kind);
  return rate == nullptr ? json(otherwise) : *rate;
}

json compress_ratios(const json& file, std::string_view place) {
  const json* types = find(file, "layer_types");
  if (types == nullptr) throw InputError("[config] {}: compress_ratios is missing, and so is layer_types", place);
  if (!types->is_array()) throw InputError("[config] {}: layer_types is no list, expected one word per layer", place);
  json ratios = json::array();
  for (const json& type : *types) {
    if (type == kSliding) {
      ratios.push_back(0);
    } else if (type == kCsa) {
      ratios.push_back(ratio_of(file, kCsa, 4));
    } else if (type == kHca) {
      ratios.push_back(ratio_of(file, kHca, 128));
    } else {
      throw InputError("[config] {}: layer_types entry {} is unknown, expected {}, {} or {}", place, ratios.size(),
                       kSliding, kCsa, kHca);
    }
  }
  return ratios;
}

// Hash-routed layers come first; anything else is no DeepSeek-V4.
json hash_layers(const json& types, std::string_view place) {
  if (!types.is_array())
    throw InputError("[config] {}: mlp_layer_types is no list, expected one word per layer", place);
  std::size_t count = 0;
  while (count < types.size() && types[count] == "hash_moe") ++count;
  for (std::size_t layer = count; layer < types.size(); ++layer)
    if (types[layer] != "moe")
      throw InputError("[config] {}: mlp_layer_types entry {} is not \"moe\", expected hash_moe layers first, then moe",
                       place, layer);
  return count;
}

void set_default(json& file, const char* name, const json* value) {
  if (find(file, name) == nullptr && value != nullptr) file[name] = *value;
}

void fill_rope(json& file) {
  const json* parameters = find(file, "rope_parameters");
  if (parameters == nullptr) return;
  const json rope = *parameters;
  if (const json* plain = find(rope, "main")) set_default(file, "rope_theta", find(*plain, "rope_theta"));
  const json* compress = find(rope, "compress");
  if (compress == nullptr) return;
  set_default(file, "compress_rope_theta", find(*compress, "rope_theta"));
  const json* type = find(*compress, "rope_type");
  if (type != nullptr && *type == "yarn") set_default(file, "rope_scaling", compress);
}

void fill_rope_dim(json& file) {
  const json* fraction = find(file, "partial_rotary_factor");
  const json* head_dim = find(file, "head_dim");
  if (find(file, "qk_rope_head_dim") != nullptr || fraction == nullptr || head_dim == nullptr) return;
  if (!fraction->is_number() || !head_dim->is_number_integer()) return;
  const double rope_dim = fraction->get<double>() * head_dim->get<double>();
  if (rope_dim >= 0.0 && rope_dim <= 1e6) file["qk_rope_head_dim"] = std::llround(rope_dim);
}

}  // namespace

std::string released_config_spelling(std::string_view text, std::string_view place) {
  json file = json::parse(text);
  file["compress_ratios"] = compress_ratios(file, place);
  if (find(file, "num_hash_layers") == nullptr) {
    if (const json* types = find(file, "mlp_layer_types")) file["num_hash_layers"] = hash_layers(*types, place);
  }
  fill_rope(file);
  fill_rope_dim(file);
  return file.dump();
}

}  // namespace fathom
