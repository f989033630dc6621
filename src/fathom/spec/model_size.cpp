#include "fathom/spec/model_size.h"

#include "fathom/spec/tensor_table.h"

namespace fathom {
namespace {

const char* part_of(const TensorSpec& spec) {
  if (spec.name.find(".indexer.") != std::string::npos) return "indexers";
  if (spec.name.find(".compressor.") != std::string::npos) return "compressors";
  switch (spec.role) {
    case TensorRole::embedding: return "embedding";
    case TensorRole::head: return "head";
    case TensorRole::expert: return "experts";
    case TensorRole::shared_expert: return "shared experts";
    case TensorRole::router:
    case TensorRole::router_bias: return "routers";
    case TensorRole::hc_mix:
    case TensorRole::hc_base:
    case TensorRole::hc_scale: return "hyper-connections";
    default: break;
  }
  return spec.name.find(".attn.") != std::string::npos ? "attention" : "norms";
}

void add(TensorTotals& totals, const StoredTensor& tensor) {
  totals.tensors += 1;
  totals.elements += tensor.elements();
  totals.bytes += tensor.bytes();
}

}  // namespace

ModelSize model_size(const ModelConfig& config) {
  ModelSize size;
  std::int64_t routed = 0;
  for (const TensorSpec& spec : tensor_table(config)) {
    for (const StoredTensor& tensor : stored_tensors(spec, spec.released)) {
      add(size.stored, tensor);
      add(size.by_dtype[std::string(tensor.dtype)], tensor);
      if (spec.in_mtp) add(size.mtp, tensor);
    }
    if (spec.role == TensorRole::hash_table) continue;
    const std::int64_t elements = spec.elements();
    size.parameters_with_mtp += elements;
    if (spec.in_mtp) continue;
    size.parameters_without_mtp += elements;
    size.parameters_by_part[part_of(spec)] += elements;
    if (spec.role == TensorRole::expert) routed += elements;
  }
  // Every expert is as large as every other, so the idle ones are a whole share of them all.
  const std::int64_t idle = routed / config.experts * (config.experts - config.selected_experts);
  size.active_with_embedding_and_head = size.parameters_without_mtp - idle;
  size.active_without_embedding = size.active_with_embedding_and_head - config.vocab * config.channels;
  size.active_without_embedding_and_head = size.active_without_embedding - config.vocab * config.channels;
  return size;
}

}  // namespace fathom
