#include "fathom/spec/tensor_table.h"

#include <fmt/format.h>

#include "fathom/base/error.h"

namespace fathom {
namespace {

constexpr std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t result = 1;
  for (const std::int64_t extent : shape) result *= extent;
  return result;
}

constexpr std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

class TableBuilder {
 public:
  explicit TableBuilder(const ModelConfig& config) : config_(config) {}

  std::vector<TensorSpec> build() && {
    const std::int64_t channels = config_.channels;
    linear("embed", TensorRole::embedding, config_.vocab, channels, Storage::bf16);
    for (std::int64_t layer = 0; layer < config_.layers; ++layer) block(fmt::format("layers.{}.", layer), layer);
    array("norm.weight", TensorRole::norm, {channels}, Storage::bf16);
    hyper_connection_head("");
    linear("head", TensorRole::head, config_.vocab, channels, Storage::bf16);
    in_mtp_ = true;
    for (std::int64_t depth = 0; depth < config_.mtp_layers; ++depth) mtp(depth);
    return std::move(table_);
  }

 private:
  void mtp(std::int64_t depth) {
    const std::string prefix = fmt::format("mtp.{}.", depth);
    const std::int64_t channels = config_.channels;
    array(prefix + "enorm.weight", TensorRole::norm, {channels}, Storage::bf16);
    array(prefix + "hnorm.weight", TensorRole::norm, {channels}, Storage::bf16);
    linear(prefix + "e_proj", TensorRole::mtp_projection, channels, channels, Storage::fp8_block);
    linear(prefix + "h_proj", TensorRole::mtp_projection, channels, channels, Storage::fp8_block);
    block(prefix, config_.layers + depth);
    array(prefix + "norm.weight", TensorRole::norm, {channels}, Storage::bf16);
    hyper_connection_head(prefix);
  }

  void block(const std::string& prefix, std::int64_t index) {
    hyper_connections(prefix + "hc_attn_");
    array(prefix + "attn_norm.weight", TensorRole::norm, {config_.channels}, Storage::bf16);
    attention(prefix + "attn.", config_.ratio(index), config_.attention_kind(index));
    hyper_connections(prefix + "hc_ffn_");
    array(prefix + "ffn_norm.weight", TensorRole::norm, {config_.channels}, Storage::bf16);
    moe(prefix + "ffn.", !in_mtp_ && config_.routes_by_hash(index));
  }

  void attention(const std::string& prefix, std::int64_t ratio, AttentionKind kind) {
    const auto& c = config_;
    const std::int64_t rows_of_heads = c.heads * c.head_dim;
    array(prefix + "attn_sink", TensorRole::sink, {c.heads}, Storage::f32);
    linear(prefix + "wq_a", TensorRole::attention, c.query_latent, c.channels, Storage::fp8_block);
    array(prefix + "q_norm.weight", TensorRole::norm, {c.query_latent}, Storage::bf16);
    linear(prefix + "wq_b", TensorRole::attention, rows_of_heads, c.query_latent, Storage::fp8_block);
    linear(prefix + "wkv", TensorRole::attention, c.head_dim, c.channels, Storage::fp8_block);
    array(prefix + "kv_norm.weight", TensorRole::norm, {c.head_dim}, Storage::bf16);
    // groups blocks of [output_latent, rows_of_heads / groups], stacked
    linear(prefix + "wo_a", TensorRole::attention, c.output_groups * c.output_latent, rows_of_heads / c.output_groups,
           Storage::fp8_block);
    linear(prefix + "wo_b", TensorRole::attention, c.channels, c.output_groups * c.output_latent, Storage::fp8_block);
    if (kind == AttentionKind::sliding) return;
    compressor(prefix + "compressor.", ratio, kind, c.head_dim);
    if (kind != AttentionKind::csa) return;
    linear(prefix + "indexer.wq_b", TensorRole::indexer, c.index_heads * c.index_dim, c.query_latent,
           Storage::fp8_block);
    linear(prefix + "indexer.weights_proj", TensorRole::index_weights, c.index_heads, c.channels, Storage::bf16);
    compressor(prefix + "indexer.compressor.", ratio, kind, c.index_dim);
  }

  // CSA compresses two overlapping series at once: twice the columns.
  void compressor(const std::string& prefix, std::int64_t ratio, AttentionKind kind, std::int64_t dim) {
    const std::int64_t columns = kind == AttentionKind::csa ? 2 * dim : dim;
    array(prefix + "ape", TensorRole::position_bias, {ratio, columns}, Storage::f32);
    linear(prefix + "wkv", TensorRole::compressor, columns, config_.channels, Storage::bf16);
    linear(prefix + "wgate", TensorRole::compressor, columns, config_.channels, Storage::bf16);
    array(prefix + "norm.weight", TensorRole::norm, {dim}, Storage::bf16);
  }

  void moe(const std::string& prefix, bool by_hash) {
    const auto& c = config_;
    linear(prefix + "gate", TensorRole::router, c.experts, c.channels, Storage::bf16);
    if (by_hash) {
      array(prefix + "gate.tid2eid", TensorRole::hash_table, {c.vocab, c.selected_experts}, Storage::i64);
    } else {
      array(prefix + "gate.bias", TensorRole::router_bias, {c.experts}, Storage::f32);
    }
    const Storage storage = c.expert_format == ExpertFormat::fp4 ? Storage::fp4_group : Storage::fp8_block;
    for (std::int64_t expert = 0; expert < c.experts; ++expert)
      swiglu(fmt::format("{}experts.{}.", prefix, expert), TensorRole::expert, c.expert_dim, storage);
    swiglu(prefix + "shared_experts.", TensorRole::shared_expert, c.shared_experts * c.expert_dim, Storage::fp8_block);
  }

  void swiglu(const std::string& prefix, TensorRole role, std::int64_t inner, Storage storage) {
    linear(prefix + "w1", role, inner, config_.channels, storage);
    linear(prefix + "w2", role, config_.channels, inner, storage);
    linear(prefix + "w3", role, inner, config_.channels, storage);
  }

  // streams "pre" values, streams "post" values and a streams x streams mixture, from all streams at once.
  void hyper_connections(const std::string& prefix) {
    const std::int64_t streams = config_.streams;
    const std::int64_t outputs = 2 * streams + streams * streams;
    array(prefix + "fn", TensorRole::hc_mix, {outputs, streams * config_.channels}, Storage::f32);
    array(prefix + "base", TensorRole::hc_base, {outputs}, Storage::f32);
    array(prefix + "scale", TensorRole::hc_scale, {3}, Storage::f32);
  }

  void hyper_connection_head(const std::string& prefix) {
    const std::int64_t streams = config_.streams;
    array(prefix + "hc_head_fn", TensorRole::hc_mix, {streams, streams * config_.channels}, Storage::f32);
    array(prefix + "hc_head_base", TensorRole::hc_base, {streams}, Storage::f32);
    array(prefix + "hc_head_scale", TensorRole::hc_scale, {1}, Storage::f32);
  }

  void linear(std::string name, TensorRole role, std::int64_t out, std::int64_t in, Storage storage) {
    add({.name = std::move(name), .role = role, .linear = true, .shape = {out, in}, .released = storage});
  }
  void array(std::string name, TensorRole role, std::vector<std::int64_t> shape, Storage storage) {
    add({.name = std::move(name), .role = role, .linear = false, .shape = std::move(shape), .released = storage});
  }
  void add(TensorSpec spec) {
    spec.in_mtp = in_mtp_;
    spec.allowed = allowed_storages(spec);
    table_.push_back(std::move(spec));
  }

  // Conversions widen quantised weights; Base checkpoints also keep compressors in FP8. Nothing else varies.
  static std::vector<Storage> allowed_storages(const TensorSpec& spec) {
    switch (spec.role) {
      case TensorRole::hash_table: return {Storage::i64, Storage::i32};
      case TensorRole::expert: return {Storage::fp4_group, Storage::fp8_block, Storage::bf16, Storage::f32};
      case TensorRole::attention:
      case TensorRole::compressor:
      case TensorRole::indexer:
      case TensorRole::shared_expert:
      case TensorRole::mtp_projection: return {Storage::fp8_block, Storage::bf16, Storage::f32};
      default: return {Storage::bf16, Storage::f32};
    }
  }

  const ModelConfig& config_;
  std::vector<TensorSpec> table_;
  bool in_mtp_ = false;
};

}  // namespace

std::int64_t TensorSpec::elements() const { return product(shape); }
std::int64_t StoredTensor::elements() const { return product(shape); }

std::vector<TensorSpec> tensor_table(const ModelConfig& config) {
  config.validate();
  return TableBuilder(config).build();
}

std::string values_name(const TensorSpec& spec) { return spec.linear ? spec.name + ".weight" : spec.name; }
std::string scale_name(const TensorSpec& spec) { return spec.name + ".scale"; }

std::vector<std::int64_t> values_shape(const TensorSpec& spec, Storage storage) {
  if (storage != Storage::fp4_group) return spec.shape;
  return {spec.shape[0], spec.shape[1] / 2};
}

std::vector<std::int64_t> scale_shape(const TensorSpec& spec, Storage storage) {
  switch (storage) {
    case Storage::fp8_block: return {divide_up(spec.shape[0], kFp8Block), divide_up(spec.shape[1], kFp8Block)};
    case Storage::fp4_group: return {spec.shape[0], divide_up(spec.shape[1], kFp4Group)};
    default: return {};
  }
}

std::vector<StoredTensor> stored_tensors(const TensorSpec& spec, Storage storage) {
  StoredTensor values{.name = values_name(spec), .dtype = "F32", .shape = values_shape(spec, storage)};
  switch (storage) {
    case Storage::f32: values.element_bytes = 4; return {values};
    case Storage::bf16:
      values.dtype = "BF16";
      values.element_bytes = 2;
      return {values};
    case Storage::i64:
      values.dtype = "I64";
      values.element_bytes = 8;
      return {values};
    case Storage::i32:
      values.dtype = "I32";
      values.element_bytes = 4;
      return {values};
    case Storage::fp8_block: values.dtype = "F8_E4M3"; break;
    case Storage::fp4_group: values.dtype = "I8"; break;
  }
  check(spec.linear, "only linear weights carry scales");
  return {values, {.name = scale_name(spec), .dtype = "F8_E8M0", .shape = scale_shape(spec, storage)}};
}

}  // namespace fathom
