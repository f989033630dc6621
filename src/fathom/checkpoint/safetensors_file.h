// One safetensors file, mapped: names, element types, shapes and bytes. Only the header is read until a tensor is.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fathom/base/mapped_file.h"
#include "fathom/checkpoint/safetensors_header.h"

namespace fathom {

class SafetensorsFile {
 public:
  // InputError when the file cannot be mapped or is no safetensors file; see parse_safetensors.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  // In the order of their bytes. They borrow the mapped bytes and live as long as this object, moved or not.
  const std::vector<SafetensorsTensor>& tensors() const { return header_.tensors; }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }

  // Null when the file has no such tensor.
  const SafetensorsTensor* find(std::string_view name) const;
  // InputError when the file has no such tensor.
  const SafetensorsTensor& at(std::string_view name) const;

  // Elements widened or copied, whatever the alignment. InputError when the tensor is missing or of another type:
  // floats takes F32, F16 and BF16; integers takes I32 and I64 that fit into 32 bits.
  std::vector<float> floats(std::string_view name) const;
  std::vector<std::int32_t> integers(std::string_view name) const;

 private:
  std::filesystem::path path_;
  MappedFile file_;
  SafetensorsHeader header_;
  std::unordered_map<std::string_view, std::size_t> positions_;  // keys borrow header_'s names, which never move
};

}  // namespace fathom
