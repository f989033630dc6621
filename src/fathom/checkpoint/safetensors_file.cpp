#include "fathom/checkpoint/safetensors_file.h"

#include <limits>

#include "fathom/base/error.h"
#include "fathom/checkpoint/element_copy.h"
#include "fathom/checkpoint/fault_list.h"

namespace fathom {

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), file_(path), header_(parse_safetensors(file_.bytes(), path.string())) {
  positions_.reserve(header_.tensors.size());
  for (std::size_t position = 0; position < header_.tensors.size(); ++position)
    positions_.emplace(header_.tensors[position].name, position);
}

const SafetensorsTensor* SafetensorsFile::find(std::string_view name) const {
  const auto found = positions_.find(name);
  return found == positions_.end() ? nullptr : &header_.tensors[found->second];
}

const SafetensorsTensor& SafetensorsFile::at(std::string_view name) const {
  const SafetensorsTensor* tensor = find(name);
  if (tensor == nullptr)
    throw InputError("[safetensors] {}: tensor {} is missing among the file's {}", path_.string(), printable(name),
                     tensors().size());
  return *tensor;
}

std::vector<float> SafetensorsFile::floats(std::string_view name) const {
  const SafetensorsTensor& tensor = at(name);
  if (tensor.dtype != DType::f32 && tensor.dtype != DType::f16 && tensor.dtype != DType::bf16)
    throw InputError("[safetensors] {}: tensor {} is {}, expected F32, F16 or BF16", path_.string(), printable(name),
                     name_of(tensor.dtype));
  return copy_floats(tensor.bytes, tensor.dtype);
}

std::vector<std::int32_t> SafetensorsFile::integers(std::string_view name) const {
  const SafetensorsTensor& tensor = at(name);
  if (tensor.dtype != DType::i32 && tensor.dtype != DType::i64)
    throw InputError("[safetensors] {}: tensor {} is {}, expected I32 or I64", path_.string(), printable(name),
                     name_of(tensor.dtype));
  const std::vector<std::int64_t> wide = copy_integers(tensor.bytes, tensor.dtype);
  std::vector<std::int32_t> narrow;
  narrow.reserve(wide.size());
  for (const std::int64_t value : wide) {
    if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
      throw InputError("[safetensors] {}: tensor {} holds {}, expected 32-bit integers", path_.string(),
                       printable(name), value);
    narrow.push_back(static_cast<std::int32_t>(value));
  }
  return narrow;
}

}  // namespace fathom
