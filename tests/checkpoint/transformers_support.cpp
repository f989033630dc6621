#include "tests/checkpoint/transformers_support.h"

#include <fmt/format.h>

namespace fathom::testing {
namespace {

// Released to transformers, in this order; ^ stands for the name's begin, $ for its end. The other direction is the
// one under test, by other means.
const std::pair<const char*, const char*> kRules[] = {
    {"^embed.", "model.embed_tokens."},
    {"^head.", "lm_head."},
    {"^norm.", "model.norm."},
    {"^hc_head_", "model.hc_head.hc_"},
    {"^layers.", "model.layers."},
    {".attn_norm.", ".input_layernorm."},
    {".ffn_norm.", ".post_attention_layernorm."},
    {".hc_attn_", ".attn_hc."},
    {".hc_ffn_", ".ffn_hc."},
    {".attn.attn_sink$", ".self_attn.sinks"},
    {".attn.q_norm.", ".self_attn.q_a_norm."},
    {".attn.indexer.compressor.norm.", ".self_attn.compressor.indexer.kv_norm."},
    {".attn.indexer.compressor.ape$", ".self_attn.compressor.indexer.position_bias"},
    {".attn.indexer.compressor.", ".self_attn.compressor.indexer."},
    {".attn.indexer.weights_proj.", ".self_attn.compressor.indexer.scorer.weights_proj."},
    {".attn.indexer.", ".self_attn.compressor.indexer."},
    {".attn.compressor.norm.", ".self_attn.compressor.kv_norm."},
    {".attn.compressor.ape$", ".self_attn.compressor.position_bias"},
    {".attn.", ".self_attn."},
    {".wq_a.", ".q_a_proj."},
    {".wq_b.", ".q_b_proj."},
    {".wkv.", ".kv_proj."},
    {".wgate.", ".gate_proj."},
    {".wo_a.", ".o_a_proj."},
    {".wo_b.", ".o_b_proj."},
    {".ffn.", ".mlp."},
    {".gate.bias$", ".gate.e_score_correction_bias"},
    {".w1.", ".gate_proj."},
    {".w2.", ".down_proj."},
    {".w3.", ".up_proj."},
    {"_proj.scale$", "_proj.weight_scale_inv"},
};

void replace(std::string& name, std::string_view pattern, std::string_view theirs) {
  const bool at_begin = pattern.front() == '^';
  const bool at_end = pattern.back() == '$';
  const std::string_view part =
      pattern.substr(at_begin ? 1 : 0, pattern.size() - (at_begin ? 1 : 0) - (at_end ? 1 : 0));
  const std::size_t place = name.find(part);
  if (place == std::string::npos || (at_begin && place != 0) || (at_end && place + part.size() != name.size())) return;
  name.replace(place, part.size(), theirs);
}

// One tensor [experts, rows, columns] from the experts' own; gate above up.
LooseTensor stack(LooseTensors& tensors, const ModelConfig& config, const std::string& layer, bool gate_up,
                  bool scale) {
  LooseTensor result;
  const char* ending = scale ? "scale" : "weight";
  for (std::int64_t expert = 0; expert < config.experts; ++expert)
    for (const char* map : gate_up ? std::vector<const char*>{"w1", "w3"} : std::vector<const char*>{"w2"}) {
      const LooseTensor& piece = at(tensors, fmt::format("{}.ffn.experts.{}.{}.{}", layer, expert, map, ending));
      result.dtype = piece.dtype;
      result.shape = {config.experts, piece.shape[0] * (gate_up ? 2 : 1), piece.shape[1]};
      result.bytes += piece.bytes;
    }
  result.name = fmt::format("model.{}.mlp.experts.{}{}", layer, gate_up ? "gate_up_proj" : "down_proj",
                            scale ? "_scale_inv" : "");
  return result;
}

}  // namespace

std::string transformers_name(std::string_view released) {
  std::string name(released);
  for (const auto& [pattern, theirs] : kRules) replace(name, pattern, theirs);
  return name;
}

LooseTensors as_transformers(const LooseTensors& tensors, const ModelConfig& config, bool stacked) {
  LooseTensors left = tensors;
  LooseTensors result;
  for (std::int64_t layer = 0; stacked && layer < config.layers; ++layer)
    for (const bool gate_up : {true, false})
      for (const bool scale : {true, false})
        result.push_back(stack(left, config, fmt::format("layers.{}", layer), gate_up, scale));
  for (const LooseTensor& tensor : tensors) {
    if (tensor.name.starts_with("mtp.")) continue;
    if (stacked && tensor.name.find(".ffn.experts.") != std::string::npos) continue;
    result.push_back(tensor);
    result.back().name = transformers_name(tensor.name);
  }
  return result;
}

}  // namespace fathom::testing
