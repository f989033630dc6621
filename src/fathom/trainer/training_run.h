// A run with all that it owns: the parameters, their optimizer, its place and its folder; made anew or from the newest
// state, saved to the bit, and exported.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fathom/trainer/meters.h"
#include "fathom/trainer/optimizer.h"
#include "fathom/trainer/parameters.h"
#include "fathom/trainer/run_log.h"
#include "fathom/trainer/run_options.h"
#include "fathom/trainer/run_place.h"
#include "fathom/trainer/state_file.h"

namespace fathom::train {

torch::Device choose_device(const std::string& name, std::int64_t rank);
torch::ScalarType choose_compute(const std::string& name, torch::Device device);
// Bytes of each id of the vocabulary: what its text is, as UTF-8.
std::vector<std::int32_t> token_bytes(const std::filesystem::path& tokenizer, std::int64_t vocab);

class TrainingRun {
 public:
  // Reads the newest state of options.out that is whole, else begins; `notes` says which, and what was damaged.
  TrainingRun(const RunOptions& options, torch::Device device, std::vector<std::string>& notes);

  Parameters& parameters() { return *parameters_; }
  Optimizer& optimizer() { return *optimizer_; }
  Meters& meters() { return meters_; }
  RunPlace& place() { return place_; }
  const ModelConfig& config() const { return parameters_->config(); }
  // Routes of steps ahead that the state held; given once.
  NamedTensors take_routes() { return std::move(routes_); }

  // Writes the state of this moment with `routes`; the log is on the disk by then.
  void save(const NamedTensors& routes);
  // The released format, in place of what stood there; whole or not at all.
  void write_release(const std::filesystem::path& directory) const;

 private:
  NamedTensors tensors();
  void begin(torch::Device device);
  void restore(StateFile state, std::vector<std::string>& notes);

  const RunOptions& options_;
  StateFolder states_;
  std::unique_ptr<Parameters> parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  Meters meters_;
  RunPlace place_;
  NamedTensors routes_;
};

}  // namespace fathom::train
