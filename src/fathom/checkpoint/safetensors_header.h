// The front of a safetensors file: eight bytes of little-endian length, that many bytes of JSON, then the tensors.
// Source: the format's published description. As it asks, tensors fill the rest of the file with no hole or overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fathom/tensor/dtype.h"

namespace fathom {

inline constexpr std::size_t kSafetensorsHeaderLimit = 100'000'000;  // bytes of JSON, the format's own limit

struct SafetensorsTensor {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  // row-major, unaligned: element sizes divide nothing here

  std::int64_t elements() const;
};

struct SafetensorsHeader {
  std::vector<SafetensorsTensor> tensors;       // in the order of their bytes
  std::map<std::string, std::string> metadata;  // __metadata__
};

// Reads the front of `file`, all the bytes of one file; the tensors borrow them. `place` names the file in errors.
// InputError for anything that the format forbids, and for element types that fathom has not.
SafetensorsHeader parse_safetensors(std::span<const std::byte> file, std::string_view place);

}  // namespace fathom
