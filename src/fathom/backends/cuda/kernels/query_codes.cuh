// The indexer's queries as codes of FP4's grid, which the matrix units multiply as whole numbers.
#pragma once

#include "fathom/backends/cuda/kernels/numbers.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda::index_scores {

// The scale of a group of queries whose largest magnitude has these bits.
__device__ inline unsigned query_exponent(unsigned amax_bits) {
  const float amax = fmaxf(__uint_as_float(amax_bits), 6.0F * 0x1p-100F);
  return min(unsigned{ceil_to_e8m0(amax * (1.0F / kE2m1Max))}, 253U);
}

// Whether a doubled value lies on FP4's grid.
__device__ inline bool is_code(int doubled) {
  const int size = abs(doubled);
  return size <= 4 || size == 6 || size == 8 || size == 12;
}

// A lane's four values of a group of 32, to doubled codes; false when one lies off the grid. Eight lanes hold a group.
__device__ inline bool encode_four(const float4& x, float& scale, char4& codes) {
  const float values[4] = {x.x, x.y, x.z, x.w};
  // Sizes of floats are in the order of their bits; one of NaN is the largest, and off the grid.
  unsigned amax_bits = 0;
#pragma unroll
  for (const float value : values) amax_bits = max(amax_bits, __float_as_uint(fabsf(value)));
#pragma unroll
  for (int distance = 4; distance > 0; distance /= 2)
    amax_bits = max(amax_bits, __shfl_xor_sync(kAllLanes, amax_bits, distance));
  const unsigned exponent = query_exponent(amax_bits);
  const float inverse = 2.0F * widened_e8m0(254U - exponent);
  scale = widened_e8m0(exponent) * 0.25F;  // both codes are doubled
  bool exact = amax_bits < 0x7f800000U;
  int code[4];
#pragma unroll
  for (int index = 0; index < 4; ++index) {
    const float doubled = values[index] * inverse;  // powers of two: exact
    code[index] = static_cast<int>(doubled);
    exact = exact && is_code(code[index]) && static_cast<float>(code[index]) == doubled;
  }
  codes = make_char4(static_cast<signed char>(code[0]), static_cast<signed char>(code[1]),
                     static_cast<signed char>(code[2]), static_cast<signed char>(code[3]));
  return exact;
}

}  // namespace fathom::cuda::index_scores
