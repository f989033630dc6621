#include "fathom/model/weights.h"

namespace fathom {
namespace {

class Loader {
 public:
  Loader(const WeightSource& source, Backend& backend) : source_(source), config_(source.config()), backend_(backend) {}

  ModelWeights model() const {
    ModelWeights weights;
    weights.embed = backend_.prepare_table(source_.linear("embed"));
    for (std::int64_t layer = 0; layer < config_.layers; ++layer)
      weights.layers.push_back(block(fmt::format("layers.{}.", layer), layer));
    weights.final = head("");
    weights.head = head_linear("head");
    for (std::int64_t index = 0; index < config_.mtp_layers; ++index) {
      const std::string prefix = fmt::format("mtp.{}.", index);
      weights.mtp.push_back({.e_proj = linear(prefix + "e_proj"),
                             .h_proj = linear(prefix + "h_proj"),
                             .enorm = floats(prefix + "enorm.weight"),
                             .hnorm = floats(prefix + "hnorm.weight"),
                             .block = block(prefix, config_.layers + index),
                             .head = head(prefix)});
    }
    return weights;
  }

 private:
  WeightPtr linear(const std::string& name) const {
    const WeightView view = source_.linear(name);
    WeightPtr prepared = backend_.prepare(view);
    source_.was_read(view);
    return prepared;
  }
  WeightPtr expert_linear(const std::string& name) const {
    const WeightView view = source_.linear(name);
    WeightPtr prepared = backend_.prepare_expert(view);
    source_.was_read(view);
    return prepared;
  }
  WeightPtr head_linear(const std::string& name) const {
    const WeightView view = source_.linear(name);
    WeightPtr prepared = backend_.prepare_head(view);
    source_.was_read(view);
    return prepared;
  }
  Floats floats(const std::string& name) const { return {backend_, source_.floats(name)}; }

  HyperConnectionWeights hyper_connection(const std::string& name) const {
    return {.fn = linear(name + "_fn"), .base = floats(name + "_base"), .scale = floats(name + "_scale")};
  }

  HeadWeights head(const std::string& prefix) const {
    return {.hc_head = hyper_connection(prefix + "hc_head"), .norm = floats(prefix + "norm.weight")};
  }

  CompressorWeights compressor(const std::string& prefix) const {
    return {.wkv = linear(prefix + "wkv"),
            .wgate = linear(prefix + "wgate"),
            .ape = floats(prefix + "ape"),
            .norm = floats(prefix + "norm.weight")};
  }

  AttentionWeights attention(const std::string& prefix, AttentionKind kind) const {
    AttentionWeights weights{.wq_a = linear(prefix + "wq_a"),
                             .q_norm = floats(prefix + "q_norm.weight"),
                             .wq_b = linear(prefix + "wq_b"),
                             .wkv = linear(prefix + "wkv"),
                             .kv_norm = floats(prefix + "kv_norm.weight"),
                             .attn_sink = floats(prefix + "attn_sink"),
                             .wo_a = linear(prefix + "wo_a"),
                             .wo_b = linear(prefix + "wo_b"),
                             .compressor = std::nullopt,
                             .indexer = std::nullopt};
    if (kind != AttentionKind::sliding) weights.compressor = compressor(prefix + "compressor.");
    if (kind == AttentionKind::csa)
      weights.indexer = IndexerWeights{.wq_b = linear(prefix + "indexer.wq_b"),
                                       .weights_proj = linear(prefix + "indexer.weights_proj"),
                                       .compressor = compressor(prefix + "indexer.compressor.")};
    return weights;
  }

  ExpertWeights routed_expert(const std::string& prefix) const {
    return {.w1 = expert_linear(prefix + "w1"), .w2 = expert_linear(prefix + "w2"), .w3 = expert_linear(prefix + "w3")};
  }

  MoeWeights moe(const std::string& prefix, std::int64_t block) const {
    MoeWeights weights;
    weights.gate = linear(prefix + "gate");
    if (config_.routes_by_hash(block)) {
      weights.tid2eid = {backend_, source_.integers(prefix + "gate.tid2eid")};
    } else {
      weights.gate_bias = floats(prefix + "gate.bias");
    }
    for (std::int64_t index = 0; index < config_.experts; ++index)
      weights.experts.push_back(routed_expert(fmt::format("{}experts.{}.", prefix, index)));
    const std::string shared = prefix + "shared_experts.";
    weights.shared = {.w1 = linear(shared + "w1"), .w2 = linear(shared + "w2"), .w3 = linear(shared + "w3")};
    return weights;
  }

  BlockWeights block(const std::string& prefix, std::int64_t index) const {
    return {.hc_attn = hyper_connection(prefix + "hc_attn"),
            .attn_norm = floats(prefix + "attn_norm.weight"),
            .attn = attention(prefix + "attn.", config_.attention_kind(index)),
            .hc_ffn = hyper_connection(prefix + "hc_ffn"),
            .ffn_norm = floats(prefix + "ffn_norm.weight"),
            .ffn = moe(prefix + "ffn.", index)};
  }

  const WeightSource& source_;
  const ModelConfig& config_;
  Backend& backend_;
};

}  // namespace

namespace {

ExpectedMemory with_weights(ExpectedMemory bytes, const ModelConfig& config) {
  bytes.expert_layers = config.layers + config.mtp_layers;
  bytes.experts_of_layer = config.experts;
  for (const TensorSpec& tensor : tensor_table(config))
    for (const StoredTensor& stored : stored_tensors(tensor, tensor.released))
      (tensor.role == TensorRole::expert ? bytes.experts : bytes.others) += stored.bytes();
  return bytes;
}

}  // namespace

ModelWeights load_weights(const WeightSource& source, Backend& backend, const ExpectedMemory& beside) {
  backend.expect(with_weights(beside, source.config()));
  return Loader(source, backend).model();
}

}  // namespace fathom
