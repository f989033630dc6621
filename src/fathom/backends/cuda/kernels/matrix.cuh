// Bricks of kernels on matrix units: loads of 8 x 8 matrices from shared memory, the product of 16 x 16 with 16 x 8,
// and bfloat16 in pairs.
#pragma once

#include <cuda_bf16.h>

namespace fathom::cuda {

__device__ inline unsigned shared_address(const void* place) {
  return static_cast<unsigned>(__cvta_generic_to_shared(place));
}

// Eight bytes to shared memory, while other things are done; both places on their boundary.
__device__ inline void copy_eight_later(const void* from, void* to) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(shared_address(to)), "l"(from) : "memory");
}
__device__ inline void end_of_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
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

// Four codes of E4M3 to bfloat16, times 2^(exponent - 127): shifted down, a code is its value times 2^-120. A code of
// NaN, which only a broken model writes, counts as 480.
__device__ inline uint2 widened_codes(unsigned codes, unsigned exponent) {
  constexpr unsigned kMost = 134;  // with 120 more, the largest power that there is
  const unsigned halves[2] = {__byte_perm(codes, 0, 0x1404), __byte_perm(codes, 0, 0x3424)};  // in upper bytes
  const __nv_bfloat162 scale = power_pair(min(exponent, kMost) + 120);
  unsigned result[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const unsigned bits = (halves[half] & 0x80008000U) | (halves[half] & 0x7f007f00U) >> 4;
    __nv_bfloat162 value = __hmul2(*reinterpret_cast<const __nv_bfloat162*>(&bits), scale);
    if (exponent > kMost) value = __hmul2(value, power_pair(exponent - kMost + 127));
    result[half] = *reinterpret_cast<const unsigned*>(&value);
  }
  return {result[0], result[1]};
}

}  // namespace fathom::cuda
