// Sums of what a step measured, kept on the device until a line of the log is due.
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "fathom/trainer/run_log.h"
#include "fathom/trainer/state_file.h"

namespace fathom::train {

// Scalars on the device, of one step over all its micro-batches and ranks.
struct StepMeasures {
  torch::Tensor language;
  torch::Tensor mtp;
  torch::Tensor balance;
  torch::Tensor indexer;
  torch::Tensor gradient_norm;
  torch::Tensor imbalance;
  std::int64_t targets = 0;
  std::int64_t bytes = 0;  // 0: unknown
};

class Meters {
 public:
  explicit Meters(torch::Device device);

  void add(const StepMeasures& step);
  std::int64_t steps() const { return counts_[0].item<std::int64_t>(); }
  // Whether every sum is a number; the host waits.
  bool finite() const;
  // The means since the last call, and begins anew; the host waits. Fills what it measured of `point`.
  void take(CurvePoint& point);

  // Its tensors, for a state: to be read or filled.
  NamedTensors state();

 private:
  torch::Tensor sums_;    // [measures] float32
  torch::Tensor counts_;  // [3] int64, on the host: steps, targets, bytes
};

}  // namespace fathom::train
