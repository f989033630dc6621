// A checkpoint directory in the released format, mapped and checked: config.json beside one safetensors file, or beside
// shards and model.safetensors.index.json. Every tensor of spec's table is present with its dtype and shape, none is
// unexpected, and no byte range leaves its file or overlaps another; anything else is an InputError that names the
// file, the tensor, what was expected and what was found. The transformers spelling of names loads too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/checkpoint/safetensors_file.h"
#include "fathom/checkpoint/weight_source.h"
#include "fathom/spec/model_config.h"
#include "fathom/tensor/view.h"
#include "fathom/tensor/weight.h"

namespace fathom {

class Checkpoint final : public WeightSource {
 public:
  // Reads config.json and the headers; no tensor's bytes are touched.
  static Checkpoint open(const std::filesystem::path& directory);
  ~Checkpoint() override;
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;

  // As config.json says, with mtp_layers 0 when the files hold no MTP block and expert_format as the experts are
  // stored.
  const ModelConfig& config() const override;
  const std::filesystem::path& directory() const;
  // What was taken another way than config.json says, in words; usually empty.
  const std::vector<std::string>& notes() const;
  // The files with all their tensors under their own names.
  const std::vector<SafetensorsFile>& files() const;

  WeightView linear(std::string_view name) const override;
  // Takes their pages out of this process; the page cache keeps what it has room for.
  void was_read(const WeightView& view) const override;
  std::vector<float> floats(std::string_view name) const override;
  // InputError when an id is no expert's: the table steers memory accesses, so nothing of it is believed unchecked.
  std::vector<std::int32_t> integers(std::string_view name) const override;

 private:
  struct Contents;
  explicit Checkpoint(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

}  // namespace fathom
