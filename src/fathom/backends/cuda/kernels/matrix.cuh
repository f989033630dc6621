// Bricks of kernels on matrix units: loads of 8 x 8 matrices from shared memory, the product of 16 x 16 with 16 x 8,
// and bfloat16 in pairs.
#pragma once

#include <cuda_bf16.h>

#include "fathom/backends/cuda/kernels/shared_address.cuh"

namespace fathom::cuda {

// Eight bytes to shared memory, while other things are done; both places on their boundary.
__device__ inline void copy_eight_later(const void* from, void* to) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
__device__ inline void end_of_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int kPending>
__device__ inline void wait_for_copies_but() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}
__device__ inline void wait_for_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

__device__ inline void load_matrices(const void* row, unsigned (&to)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row)));
}

__device__ inline void load_transposed(const void* row, unsigned (&to)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row)));
}

// Each product waits for the sums before it: kernels keep several sums in turn.
__device__ inline void multiply(float (&sums)[4], const unsigned (&a)[4], unsigned low, unsigned high) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(low), "r"(high));
}

__device__ inline unsigned packed(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const unsigned*>(&pair);
}

// Takes a bfloat16 off a value: what is left is exact.
__device__ inline float rest_of(float value) { return value - __bfloat162float(__float2bfloat16_rn(value)); }

// A power of two, 2^(field - 127), twice.
__device__ inline __nv_bfloat162 power_pair(unsigned field) {
  const unsigned bits = field << 7 | field << 23;
  return *reinterpret_cast<const __nv_bfloat162*>(&bits);
}

constexpr unsigned kMostExponent = 134;  // with 120 more, the largest power that there is

// Four codes of E4M3 to bfloat16, times 2^(exponent - 127), no more than kMostExponent: shifted down, a code is its
// value times 2^-120. A code of NaN, which only a broken model writes, counts as 480.
__device__ inline uint2 widened_small_codes(unsigned codes, unsigned exponent) {
  const unsigned upper = (codes & 0x80808080U) | (codes >> 4 & 0x07070707U);
  const unsigned lower = codes << 4 & 0xf0f0f0f0U;
  const unsigned bits[2] = {__byte_perm(lower, upper, 0x5140), __byte_perm(lower, upper, 0x7362)};
  const unsigned scale = (exponent + 120) * 0x00800080U;  // a power of two, twice
  unsigned result[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const __nv_bfloat162 value = __hmul2(*reinterpret_cast<const __nv_bfloat162*>(&bits[half]),
                                         *reinterpret_cast<const __nv_bfloat162*>(&scale));
    result[half] = *reinterpret_cast<const unsigned*>(&value);
  }
  return {result[0], result[1]};
}

// The same, any exponent.
__device__ inline uint2 widened_codes(unsigned codes, unsigned exponent) {
  uint2 result = widened_small_codes(codes, min(exponent, kMostExponent));
  if (exponent <= kMostExponent) return result;
  const __nv_bfloat162 rest = power_pair(exponent - kMostExponent + 127);
  const __nv_bfloat162 low = __hmul2(*reinterpret_cast<const __nv_bfloat162*>(&result.x), rest);
  const __nv_bfloat162 high = __hmul2(*reinterpret_cast<const __nv_bfloat162*>(&result.y), rest);
  return {*reinterpret_cast<const unsigned*>(&low), *reinterpret_cast<const unsigned*>(&high)};
}

}  // namespace fathom::cuda
