// A micro-batch's work on a GPU, recorded the second time it comes in one shape and replayed from then on: a step's
// thousands of launches cost the host more time than the device.
#pragma once

#include <torch/types.h>

#include <functional>
#include <optional>
#include <string>

#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/packed_batch.h"

namespace fathom::train {

class RecordedWork {
 public:
  using Work = std::function<void(const PackedBatch& batch)>;

  // `key` names all that `work` depends on beside the batch's tensors; with another key it is recorded anew.
  void run(const std::string& key, const PackedBatch& batch, const Work& work);
  void forget();

 private:
  std::string key_;
  std::optional<PackedBatch> batch_;  // the one that is recorded: others are copied into it
  std::unique_ptr<device::Graph> graph_;
};

}  // namespace fathom::train
