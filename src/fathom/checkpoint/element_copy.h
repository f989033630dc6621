// Elements of a mapped tensor, copied out whatever their alignment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fathom/tensor/dtype.h"

namespace fathom {

// F32, F16 and BF16 widened to float32. check() fails for any other type.
std::vector<float> copy_floats(std::span<const std::byte> bytes, DType dtype);

// I32 and I64 as they are. check() fails for any other type.
std::vector<std::int64_t> copy_integers(std::span<const std::byte> bytes, DType dtype);

}  // namespace fathom
