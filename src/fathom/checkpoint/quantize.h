// Float32 rows into the stored formats of linear weights, as the release quantises: scales are powers of two, the
// smallest that bring a block's largest magnitude into range (448 for E4M3, 6 for E2M1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fathom/spec/tensor_table.h"

namespace fathom {

struct QuantizedRows {
  std::vector<std::byte> values;
  std::vector<std::byte> scales;  // E8M0; empty when the storage has none
};

// `rows` is row-major [count, columns]. Blocks begin at its first row, so an fp8_block weight is cut at multiples of
// 128 rows; for fp4_group columns is even. check() fails for integer storages.
QuantizedRows quantize_rows(std::span<const float> rows, std::int64_t columns, Storage storage);

}  // namespace fathom
