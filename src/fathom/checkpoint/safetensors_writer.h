// A checkpoint's tensors, streamed to one safetensors file or to shards with an index. Every name appears at the end,
// when all bytes are on the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/base/output_file.h"
#include "fathom/tensor/dtype.h"

namespace fathom {

struct TensorPlan {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;

  std::int64_t bytes() const;
};

class SafetensorsWriter {
 public:
  // One shard: model.safetensors. More: model-00001-of-0000N.safetensors and so on, alike in bytes, whole tensors each,
  // and model.safetensors.index.json. The directory is made when it is missing. InputError when there are fewer tensors
  // than shards, when a name comes twice, or when the disk refuses.
  SafetensorsWriter(std::filesystem::path directory, std::vector<TensorPlan> plan, std::int64_t shards);

  // The next bytes of `tensor`, in pieces of any size; tensors in the order of the plan.
  void write(std::string_view tensor, std::span<const std::byte> bytes);

  // check() fails unless every byte came.
  void finish();

 private:
  struct Shard {
    std::string name;
    std::size_t begin = 0;  // of the plan
    std::size_t end = 0;
  };
  void open_shard();
  void advance();
  std::string index() const;

  std::filesystem::path directory_;
  std::vector<TensorPlan> plan_;
  std::vector<Shard> shards_;
  std::vector<OutputFile> closed_;
  std::optional<OutputFile> open_;
  std::size_t shard_ = 0;
  std::size_t tensor_ = 0;
  std::int64_t written_ = 0;  // of the current tensor
};

}  // namespace fathom
