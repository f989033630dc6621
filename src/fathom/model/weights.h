// The network's weights, prepared for one backend. Field names are the checkpoint's; every shape is the checkpoint's
// too.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fathom/checkpoint/weight_source.h"
#include "fathom/ops/backend.h"
#include "fathom/spec/model_config.h"

namespace fathom {

using WeightPtr = std::unique_ptr<PreparedWeight>;

// A small array in the backend's memory.
template <typename T>
class DeviceArray {
 public:
  DeviceArray() = default;
  DeviceArray(Backend& backend, std::span<const T> values)
      : memory_(backend.allocator(), static_cast<std::int64_t>(values.size_bytes())), size_(std::ssize(values)) {
    backend.upload(std::as_bytes(values), memory_.data());
  }
  std::int64_t size() const { return size_; }
  View<const T, 1> view() const { return View<const T, 1>(reinterpret_cast<const T*>(memory_.data()), {size_}); }
  View<const T, 2> matrix(std::int64_t rows) const { return view().template reshape<2>({rows, size_ / rows}); }

 private:
  Memory memory_;
  std::int64_t size_ = 0;
};
using Floats = DeviceArray<float>;

struct HyperConnectionWeights {
  WeightPtr fn;  // [(2 + streams) * streams, streams * channels]; the head's is [streams, streams * channels]
  Floats base;   // [(2 + streams) * streams]; the head's [streams]
  Floats scale;  // [3]; the head's [1]
};

struct CompressorWeights {
  WeightPtr wkv;    // [columns, channels], columns = 2 * dim with overlap, else dim
  WeightPtr wgate;  // [columns, channels]
  Floats ape;       // [ratio, columns]
  Floats norm;      // [dim]
};

struct IndexerWeights {
  WeightPtr wq_b;          // [index_heads * index_dim, query_latent]
  WeightPtr weights_proj;  // [index_heads, channels]
  CompressorWeights compressor;
};

struct AttentionWeights {
  WeightPtr wq_a;                               // [query_latent, channels]
  Floats q_norm;                                // [query_latent]
  WeightPtr wq_b;                               // [heads * head_dim, query_latent]
  WeightPtr wkv;                                // [head_dim, channels]
  Floats kv_norm;                               // [head_dim]
  Floats attn_sink;                             // [heads]
  WeightPtr wo_a;                               // [groups * output_latent, heads / groups * head_dim]
  WeightPtr wo_b;                               // [channels, groups * output_latent]
  std::optional<CompressorWeights> compressor;  // CSA and HCA
  std::optional<IndexerWeights> indexer;        // CSA
};

struct MoeWeights {
  WeightPtr gate;                      // [experts, channels]
  Floats gate_bias;                    // [experts]; empty in hash layers
  DeviceArray<std::int32_t> tid2eid;   // [vocab, selected]; empty in scored layers
  std::vector<ExpertWeights> experts;  // [experts]
  ExpertWeights shared;                // expert_dim * shared_experts wide
};

struct BlockWeights {
  HyperConnectionWeights hc_attn;
  Floats attn_norm;  // [channels]
  AttentionWeights attn;
  HyperConnectionWeights hc_ffn;
  Floats ffn_norm;  // [channels]
  MoeWeights ffn;
};

struct HeadWeights {
  HyperConnectionWeights hc_head;
  Floats norm;  // [channels]
};

struct MtpWeights {
  WeightPtr e_proj;  // [channels, channels]
  WeightPtr h_proj;  // [channels, channels]
  Floats enorm;      // [channels]
  Floats hnorm;      // [channels]
  BlockWeights block;
  HeadWeights head;
};

struct ModelWeights {
  WeightPtr embed;  // [vocab, channels], rows by id
  std::vector<BlockWeights> layers;
  HeadWeights final;
  WeightPtr head;  // [vocab, channels]
  std::vector<MtpWeights> mtp;
};

ModelWeights load_weights(const WeightSource& source, Backend& backend, const ExpectedMemory& beside = {});

}  // namespace fathom
