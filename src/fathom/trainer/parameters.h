// All that training moves, under the checkpoint's names, and its way from and to the released format.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fathom/checkpoint/checkpoint.h"
#include "fathom/spec/model_config.h"
#include "fathom/spec/tensor_table.h"

namespace fathom::train {

struct Parameter {
  std::string name;  // as spec::tensor_table has it; a stack of experts drops the expert: "layers.3.ffn.experts.w1"
  TensorRole role = TensorRole::norm;
  Storage released = Storage::f32;
  bool stacked = false;  // [experts, out, in]
  torch::Tensor value;   // master, a leaf; requires a gradient unless it is a router_bias
};

class Parameters {
 public:
  // Matrices normal with deviation 0.02, norms 1, gating factors small, biases so that streams pass through unchanged.
  // The same numbers on every machine.
  static Parameters random(const ModelConfig& config, std::uint64_t seed, torch::Device device);
  // A released checkpoint, dequantised.
  static Parameters load(const Checkpoint& checkpoint, torch::Device device);

  const ModelConfig& config() const { return config_; }
  std::vector<Parameter>& all() { return parameters_; }
  const std::vector<Parameter>& all() const { return parameters_; }
  const Parameter& parameter(std::string_view name) const;  // InternalError when there is none
  const torch::Tensor& at(std::string_view name) const { return parameter(name).value; }
  bool contains(std::string_view name) const;
  const torch::Tensor& hash_table(std::int64_t layer) const;  // tid2eid [vocab, selected_experts] int64, hash layers

  // Every value in another type (float64 for gradient tests); leaves again.
  void convert(torch::ScalarType type);
  // config.json and the tensors in the released precision, or in the widest that loads when `exact` (for parity).
  void write(const std::filesystem::path& directory, bool exact) const;

 private:
  template <typename Floats, typename Integers>
  static Parameters assemble(const ModelConfig& config, torch::Device device, const Floats& floats,
                             const Integers& integers);

  ModelConfig config_;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<torch::Tensor> hash_tables_;
};

}  // namespace fathom::train
