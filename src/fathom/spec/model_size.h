// How large a model is: tensors, parameters and bytes, counted from the one table of tensors.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "fathom/spec/model_config.h"

namespace fathom {

struct TensorTotals {
  std::int64_t tensors = 0;
  std::int64_t elements = 0;  // stored: FP4 packs two values into one
  std::int64_t bytes = 0;
};

struct ModelSize {
  // As the release stores the model, MTP blocks included; scale tensors count as tensors.
  TensorTotals stored;
  std::map<std::string, TensorTotals> by_dtype;  // "F8_E4M3" and so on
  TensorTotals mtp;                              // the part of `stored` in MTP blocks

  // Logical parameters: one per weight, without scales and without the hash-routing tables.
  std::int64_t parameters_with_mtp = 0;
  std::int64_t parameters_without_mtp = 0;
  std::map<std::string, std::int64_t> parameters_by_part;  // without MTP: "experts", "attention", ...

  // Parameters that one token passes through in the trunk: selected_experts of the routed experts, all the rest.
  std::int64_t active_with_embedding_and_head = 0;
  std::int64_t active_without_embedding = 0;
  std::int64_t active_without_embedding_and_head = 0;
};

ModelSize model_size(const ModelConfig& config);

}  // namespace fathom
