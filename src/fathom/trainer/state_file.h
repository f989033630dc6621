// Where a run stands, to the bit: tensors and a text of one step in one safetensors file, published whole.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fathom::train {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

struct StateFile {
  std::int64_t step = 0;
  std::string text;      // JSON: all that is no tensor
  NamedTensors tensors;  // float32, int64, int32 or uint8, on the host when read
};

// A folder of states, "step-00000120.safetensors": written beside their names, synced, renamed; the newest two stay.
// The file's checksum covers every tensor and the text.
class StateFolder {
 public:
  explicit StateFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void write(const StateFile& state) const;
  // The newest state that is whole; none when there is none. Each damaged one is named in `warnings`.
  std::optional<StateFile> read_newest(std::vector<std::string>& warnings) const;
  // Their files, oldest first.
  std::vector<std::filesystem::path> files() const;

 private:
  std::filesystem::path folder_;
};

// InputError names the file and what is wrong with it.
StateFile read_state(const std::filesystem::path& file);

}  // namespace fathom::train
