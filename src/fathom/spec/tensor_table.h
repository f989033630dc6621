// The one table of tensors: name, storage, shape and scale layout of everything a DeepSeek-V4 checkpoint holds.
// Loading, checking, counting and writing all walk it. Source: released checkpoint headers (Flash 69,187, Pro 145,116).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/spec/model_config.h"

namespace fathom {

// How the values of one logical tensor lie in the file.
enum class Storage : std::uint8_t {
  f32,
  bf16,
  i64,
  i32,
  fp8_block,  // F8_E4M3 [out, in] in .weight; in .scale one E8M0 (Base: or float32) per 128 x 128, edge blocks partial
  fp4_group,  // I8 [out, in / 2] in .weight, low nibble = even column; in .scale one E8M0 per 1 x 32
};

inline constexpr std::int64_t kFp8Block = 128;  // rows and columns that share a scale
inline constexpr std::int64_t kFp4Group = 32;   // columns that share a scale

constexpr std::string_view name_of(Storage storage) {
  switch (storage) {
    case Storage::f32: return "F32";
    case Storage::bf16: return "BF16";
    case Storage::i64: return "I64";
    case Storage::i32: return "I32";
    case Storage::fp8_block: return "F8_E4M3 with a scale per 128x128";
    case Storage::fp4_group: return "I8 (packed FP4) with a scale per 1x32";
  }
  return "?";
}

// What a tensor does, for counting, for random values and for reports.
enum class TensorRole : std::uint8_t {
  embedding,
  head,
  norm,
  attention,      // wq_a, wq_b, wkv, wo_a, wo_b
  sink,           // attn_sink
  compressor,     // wkv, wgate
  position_bias,  // ape
  indexer,        // wq_b
  index_weights,  // weights_proj
  hc_mix,         // hc_*_fn
  hc_base,        // hc_*_base
  hc_scale,       // hc_*_scale
  router,         // ffn.gate.weight
  router_bias,    // ffn.gate.bias
  hash_table,     // ffn.gate.tid2eid
  expert,         // ffn.experts.E.w1 (gate), w3 (up), w2 (down)
  shared_expert,
  mtp_projection,  // e_proj, h_proj
};

// One logical tensor: a linear map [out, in] that may carry a scale, or a plain array.
struct TensorSpec {
  std::string name;  // released name; a linear's without its ending: "layers.0.attn.wq_a"
  TensorRole role = TensorRole::norm;
  bool linear = false;                // stored as name.weight and, when scaled, name.scale
  bool in_mtp = false;                // belongs to an MTP block
  std::vector<std::int64_t> shape;    // of the values: [out, in] for linears
  Storage released = Storage::f32;    // what the release stores
  std::vector<Storage> allowed = {};  // what loads

  std::int64_t elements() const;  // logical: one per value, however packed
};

// One tensor as a safetensors file has it.
struct StoredTensor {
  std::string name;                 // "layers.0.attn.wq_a.weight"
  std::string_view dtype;           // as safetensors names it: "F8_E4M3"
  std::vector<std::int64_t> shape;  // packed: [out, in / 2] for FP4
  std::int64_t element_bytes = 1;

  std::int64_t elements() const;
  std::int64_t bytes() const { return elements() * element_bytes; }
};

// Every logical tensor of the model, trunk first, in the order of execution. `config` is valid.
std::vector<TensorSpec> tensor_table(const ModelConfig& config);

// The name of the tensor with the values, with its ending, and of the one with the scales.
std::string values_name(const TensorSpec& spec);
std::string scale_name(const TensorSpec& spec);

// Shapes in the file under `storage`: of the values, and of the scales (empty when the storage has none).
std::vector<std::int64_t> values_shape(const TensorSpec& spec, Storage storage);
std::vector<std::int64_t> scale_shape(const TensorSpec& spec, Storage storage);

// The one or two tensors that hold `spec` under `storage`, scales in E8M0.
std::vector<StoredTensor> stored_tensors(const TensorSpec& spec, Storage storage);

}  // namespace fathom
