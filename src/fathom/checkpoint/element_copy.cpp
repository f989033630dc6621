#include "fathom/checkpoint/element_copy.h"

#include <cstring>

#include "fathom/base/error.h"
#include "fathom/tensor/numbers.h"

namespace fathom {
namespace {

template <typename Stored, typename Result, typename Convert>
std::vector<Result> copy_each(std::span<const std::byte> bytes, Convert convert) {
  check_equal(bytes.size() % sizeof(Stored), std::size_t{0}, "bytes beyond whole elements");
  std::vector<Result> values(bytes.size() / sizeof(Stored));
  for (std::size_t index = 0; index < values.size(); ++index) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + index * sizeof(Stored), sizeof(Stored));
    values[index] = convert(stored);
  }
  return values;
}

}  // namespace

std::vector<float> copy_floats(std::span<const std::byte> bytes, DType dtype) {
  switch (dtype) {
    case DType::f32: return copy_each<float, float>(bytes, [](float value) { return value; });
    case DType::bf16: return copy_each<std::uint16_t, float>(bytes, bf16_to_float);
    case DType::f16: return copy_each<std::uint16_t, float>(bytes, f16_to_float);
    default: throw InternalError("[checkpoint] {} elements are not floats that copy", name_of(dtype));
  }
}

std::vector<std::int64_t> copy_integers(std::span<const std::byte> bytes, DType dtype) {
  switch (dtype) {
    case DType::i32:
      return copy_each<std::int32_t, std::int64_t>(bytes, [](std::int32_t value) { return std::int64_t{value}; });
    case DType::i64: return copy_each<std::int64_t, std::int64_t>(bytes, [](std::int64_t value) { return value; });
    default: throw InternalError("[checkpoint] {} elements are not integers that copy", name_of(dtype));
  }
}

}  // namespace fathom
