#include "tests/checkpoint/transformers_support.h"

#include <fmt/format.h>

#include <regex>

namespace fathom::testing {
namespace {

// Released to transformers, in this order; the other direction is the one under test, by other means.
const std::pair<const char*, const char*> kRules[] = {
    {R"(^embed\.)", "model.embed_tokens."},
    {R"(^head\.)", "lm_head."},
    {R"(^norm\.)", "model.norm."},
    {R"(^hc_head_)", "model.hc_head.hc_"},
    {R"(^layers\.)", "model.layers."},
    {R"(\.attn_norm\.)", ".input_layernorm."},
    {R"(\.ffn_norm\.)", ".post_attention_layernorm."},
    {R"(\.hc_attn_)", ".attn_hc."},
    {R"(\.hc_ffn_)", ".ffn_hc."},
    {R"(\.attn\.attn_sink$)", ".self_attn.sinks"},
    {R"(\.attn\.q_norm\.)", ".self_attn.q_a_norm."},
    {R"(\.attn\.indexer\.compressor\.norm\.)", ".self_attn.compressor.indexer.kv_norm."},
    {R"(\.attn\.indexer\.compressor\.ape$)", ".self_attn.compressor.indexer.position_bias"},
    {R"(\.attn\.indexer\.compressor\.)", ".self_attn.compressor.indexer."},
    {R"(\.attn\.indexer\.weights_proj\.)", ".self_attn.compressor.indexer.scorer.weights_proj."},
    {R"(\.attn\.indexer\.)", ".self_attn.compressor.indexer."},
    {R"(\.attn\.compressor\.norm\.)", ".self_attn.compressor.kv_norm."},
    {R"(\.attn\.compressor\.ape$)", ".self_attn.compressor.position_bias"},
    {R"(\.attn\.)", ".self_attn."},
    {R"(\.wq_a\.)", ".q_a_proj."},
    {R"(\.wq_b\.)", ".q_b_proj."},
    {R"(\.wkv\.)", ".kv_proj."},
    {R"(\.wgate\.)", ".gate_proj."},
    {R"(\.wo_a\.)", ".o_a_proj."},
    {R"(\.wo_b\.)", ".o_b_proj."},
    {R"(\.ffn\.)", ".mlp."},
    {R"(\.gate\.bias$)", ".gate.e_score_correction_bias"},
    {R"(\.w1\.)", ".gate_proj."},
    {R"(\.w2\.)", ".down_proj."},
    {R"(\.w3\.)", ".up_proj."},
    {R"(_proj\.scale$)", "_proj.weight_scale_inv"},
};

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
  for (const auto& [pattern, theirs] : kRules) name = std::regex_replace(name, std::regex(pattern), theirs);
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
