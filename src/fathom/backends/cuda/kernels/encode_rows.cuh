// Rows on their way into the cache, each by a warp.
#pragma once

#include "fathom/backends/cuda/kernels/entry_rows.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {

inline constexpr float kE4m3AmaxFloor = 1e-4F;  // as the released kernels floor it
inline constexpr float kE2m1AmaxFloor = 6.0F * 0x1p-126F;

// A group of columns that share a scale, by a warp.
__device__ inline void encode_nope_group(const EntryShape& shape, const float* values, std::byte* row, int group) {
  constexpr int kGroup = static_cast<int>(kNopeScaleGroup);
  const int first = group * kGroup;
  const int end = min(first + kGroup, shape.nope);
  float largest = 0.0F;
  for (int column = first + lane_id(); column < end; column += kWarp) largest = fmaxf(largest, fabsf(values[column]));
  const float amax = fmaxf(warp_largest(largest), kE4m3AmaxFloor);
  const unsigned exponent = ceil_to_e8m0(amax * (1.0F / kE4m3Max));
  const float scale = widened_e8m0(exponent);
  if (lane_id() == 0) row[shape.scales + group] = std::byte(static_cast<unsigned char>(exponent));
  for (int column = first + lane_id(); column < end; column += kWarp)
    row[column] = std::byte(float_to_e4m3(values[column] / scale));
}

// One row, whose groups `warps` warps share.
__device__ inline void encode_entry_row(const EntryShape& shape, const float* values, std::byte* row, int warp = 0,
                                        int warps = 1) {
  if (!shape.released) {
    for (int column = warp * kWarp + lane_id(); column < shape.head_dim; column += warps * kWarp)
      write_float(values[column], row + 4 * column);
    return;
  }
  constexpr int kGroup = static_cast<int>(kNopeScaleGroup);
  for (int group = warp; group * kGroup < shape.nope; group += warps) encode_nope_group(shape, values, row, group);
  for (int column = warp * kWarp + lane_id(); column < shape.rope; column += warps * kWarp)
    write_u16(float_to_bf16(values[shape.nope + column]), row + shape.nope + 2 * column);
}

// The scale of 32 columns whose largest magnitude is `largest`.
__device__ inline unsigned index_exponent_of(float largest) {
  return ceil_to_e8m0(fmaxf(largest, kE2m1AmaxFloor) * (1.0F / kE2m1Max));
}

// The same by a warp; `magnitude` is a lane's share of the largest.
__device__ inline unsigned index_exponent(float magnitude) { return index_exponent_of(warp_largest(magnitude)); }

// widened_e2m1(float_to_e2m1(value)): FP4 is a float of one bit of mantissa, whose smallest step is a half, and adding
// a number whose last bit is that step rounds to it.
__device__ inline float rounded_to_e2m1(float value) {
  const float size = fabsf(value) > 0.0F ? fminf(fabsf(value), kE2m1Max) : 0.0F;  // zero for NaN
  const unsigned binade = max(__float_as_uint(size) & 0x7f800000U, 0x3f800000U);
  const float large = __uint_as_float(binade + (22U << 23) + 0x400000U);
  return copysignf((size + large) - large, value);
}

// To the grid of the released index keys, and back to float32.
__device__ inline void round_index_row(float* values, int dim) {
  for (int first = 0; first < dim; first += kWarp) {
    const int column = first + lane_id();
    const float value = column < dim ? values[column] : 0.0F;
    const float scale = widened_e8m0(index_exponent(fabsf(value)));
    if (column < dim) values[column] = widened_e2m1(float_to_e2m1(value / scale)) * scale;
  }
}

// One row of the indexer, by a warp.
__device__ inline void encode_index_row(const IndexKeyShape& shape, const float* values, std::byte* row) {
  if (!shape.released) {
    for (int column = lane_id(); column < shape.index_dim; column += kWarp)
      write_float(values[column], row + 4 * column);
    return;
  }
  for (int first = 0; first < shape.index_dim; first += kWarp) {
    const int column = first + lane_id();
    const float value = column < shape.index_dim ? values[column] : 0.0F;
    const unsigned exponent = index_exponent(fabsf(value));
    const unsigned code = float_to_e2m1(value / widened_e8m0(exponent));
    const unsigned high = __shfl_down_sync(kAllLanes, code, 1);
    if (column < shape.index_dim && lane_id() % 2 == 0)
      row[column / 2] = std::byte(static_cast<unsigned char>(code | high << 4));
    if (lane_id() == 0) row[shape.index_dim / 2 + first / kWarp] = std::byte(static_cast<unsigned char>(exponent));
  }
}

}  // namespace fathom::cuda
