// Values of cached rows one by one, from where the layouts of ops/cache_format.h keep them.
#pragma once

#include "fathom/backends/cuda/kernels/numbers.cuh"
#include "fathom/ops/cache_format.h"

namespace fathom::cuda {

// An EntryFormat with its sums done.
struct EntryShape {
  bool released;
  int head_dim;
  int nope;
  int rope;
  int scales;  // byte of the first scale
  std::int64_t row_bytes;
};

inline EntryShape entry_shape(const EntryFormat& format) {
  return {.released = format.storage == CacheStorage::released,
          .head_dim = static_cast<int>(format.head_dim),
          .nope = static_cast<int>(format.nope_dim()),
          .rope = static_cast<int>(format.rope_dim),
          .scales = static_cast<int>(format.nope_dim() + 2 * format.rope_dim),
          .row_bytes = format.row_bytes()};
}

struct IndexKeyShape {
  bool released;
  int index_dim;
  std::int64_t row_bytes;
};

inline IndexKeyShape index_key_shape(const IndexKeyFormat& format) {
  return {.released = format.storage == CacheStorage::released,
          .index_dim = static_cast<int>(format.index_dim),
          .row_bytes = format.row_bytes()};
}

__device__ inline float entry_value(const EntryShape& shape, const std::byte* row, int column) {
  if (!shape.released) return read_float(row + 4 * column);
  if (column >= shape.nope) return widened_bf16(read_u16(row + shape.nope + 2 * (column - shape.nope)));
  const float scale = widened_e8m0(byte_at(row + shape.scales + column / static_cast<int>(kNopeScaleGroup)));
  return widened_e4m3(byte_at(row + column)) * scale;
}

__device__ inline float index_key_value(const IndexKeyShape& shape, const std::byte* row, int column) {
  if (!shape.released) return read_float(row + 4 * column);
  const unsigned pair = byte_at(row + column / 2);
  const float scale = widened_e8m0(byte_at(row + shape.index_dim / 2 + column / static_cast<int>(kIndexScaleGroup)));
  return widened_e2m1((column & 1) != 0 ? pair >> 4 : pair & 15U) * scale;
}

}  // namespace fathom::cuda
