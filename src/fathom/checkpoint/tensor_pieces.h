// The tensors of all files under their released names: one piece each, or for stacked experts one per expert and map.
#pragma once

#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "fathom/checkpoint/fault_list.h"
#include "fathom/checkpoint/safetensors_file.h"
#include "fathom/spec/model_config.h"

namespace fathom {

// A tensor, or a slice of one; contiguous either way.
struct TensorPiece {
  const SafetensorsFile* file = nullptr;
  const SafetensorsTensor* tensor = nullptr;  // under the file's own name
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

// By released name. Two tensors of one name and stacks that cannot be cut go to `faults`.
using TensorPieces = std::unordered_map<std::string, TensorPiece>;
TensorPieces gather_pieces(const std::vector<SafetensorsFile>& files, const ModelConfig& config, FaultList& faults);

}  // namespace fathom
