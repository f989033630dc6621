// A checkpoint of any shape with random weights, in the released format: to try a shape, and for tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "fathom/spec/model_config.h"
#include "fathom/spec/tensor_table.h"

namespace fathom {

struct RandomCheckpointOptions {
  std::uint64_t seed = 0;   // the same seed, config and options give the same bytes, anywhere
  std::int64_t shards = 1;  // more than one: with an index
  // Another storage than the released one, among spec.allowed; asked by several threads at once. The reals before
  // rounding do not depend on it.
  std::function<Storage(const TensorSpec&)> storage = nullptr;
  bool float_scales = false;  // FP8 scales as float32, as Base checkpoints may have them
  int threads = 1;            // 0: as many as this process may run at a time; the same bytes
  std::function<void(double share)> progress = nullptr;
};

// Writes config.json and the tensors. Values are random_distribution.h's. InputError when the config cannot be, when
// the directory holds a checkpoint already, or when the disk refuses.
void write_random_checkpoint(const ModelConfig& config, const std::filesystem::path& directory,
                             const RandomCheckpointOptions& options = {});

}  // namespace fathom
