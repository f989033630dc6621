// For tests: a copy of a model's directory that a test may damage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/small_model.h"

namespace fathom::testing {

// `original` again in a folder that vanishes; big files are links until they are changed.
class ModelCopy {
 public:
  explicit ModelCopy(const std::filesystem::path& original);
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view file) const { return path_ / file; }

  void remove(std::string_view file);
  void write(std::string_view file, std::string_view text);
  // Sets a figure of config.json to the JSON `value`.
  void set_config(const std::string& field, const std::string& value);
  // Overwrites element `index` of a tensor in a safetensors file; `element` has the tensor's own size.
  template <typename Element>
  void set_element(std::string_view file, std::string_view tensor, std::int64_t index, Element element) {
    set_bytes(file, tensor, index * static_cast<std::int64_t>(sizeof element),
              std::as_bytes(std::span<const Element, 1>(&element, 1)));
  }
  void set_bytes(std::string_view file, std::string_view tensor, std::int64_t offset, std::span<const std::byte> bytes);
  // Cuts a tensor to its first rows, or gives it another name, and writes the file anew.
  void cut_rows(std::string_view file, std::string_view tensor, std::int64_t rows);
  void rename(std::string_view file, std::string_view tensor, const std::string& name);

 private:
  struct Tensor {
    std::string name;
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::string bytes;
  };
  std::vector<Tensor> read(std::string_view file) const;
  void write_tensors(std::string_view file, const std::vector<Tensor>& tensors);

  TemporaryFolder folder_;
  std::filesystem::path path_;
};

// The whole file.
std::string text_of(const std::filesystem::path& file);

}  // namespace fathom::testing
