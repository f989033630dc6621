// Values on their way into packed rows: SwiGLU, e4m3, halves, powers of two.
#pragma once

#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>

namespace fathom::cuda {

inline constexpr float kSmallestLargest = 1e-4F;  // the released kernels' floor under the largest magnitude of 128

// Exact powers of two; exponents stay where float32 is normal.
__device__ inline float power(int exponent) { return __int_as_float((exponent + 127) << 23); }

// Rows with larger ones count as spoilt, as those with infinity do: so that no sum of an even weight overflows before
// its row's power of two comes in (product_layout.h). Both are far from what a model has.
inline constexpr float kMostActivation = 0x1p100F;

__device__ inline float swiglu(float gate, float up, float limit, float weight) {
  if (limit > 0.0F) {
    gate = fminf(gate, limit);
    up = fminf(fmaxf(up, -limit), limit);
  }
  return gate / __fadd_rn(1.0F, expf(-gate)) * up * weight;  // not contracted: several kernels do this alike
}

__device__ inline float4 swiglu(const float4& gate, const float4& up, float limit, float weight) {
  return {swiglu(gate.x, up.x, limit, weight), swiglu(gate.y, up.y, limit, weight), swiglu(gate.z, up.z, limit, weight),
          swiglu(gate.w, up.w, limit, weight)};
}

__device__ inline std::uint32_t four_e4m3(const float4& x) {
  const auto low = __nv_cvt_float2_to_fp8x2({x.x, x.y}, __NV_SATFINITE, __NV_E4M3);
  const auto high = __nv_cvt_float2_to_fp8x2({x.z, x.w}, __NV_SATFINITE, __NV_E4M3);
  return static_cast<std::uint32_t>(low) | (static_cast<std::uint32_t>(high) << 16);
}

__device__ inline float4 scaled(const float4& x, float factor) {
  return {x.x * factor, x.y * factor, x.z * factor, x.w * factor};
}

constexpr int kRestBits = 11;  // by which the second column of a float32 row is finer

__device__ inline std::uint32_t two_halves(float first, float second) {
  const __half2 halves = __floats2half2_rn(first, second);
  return *reinterpret_cast<const std::uint32_t*>(&halves);
}

// NaN is the largest.
__device__ inline float largest_of(float a, float b) {
  float largest = 0.0F;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(largest) : "f"(fabsf(a)), "f"(fabsf(b)));
  return largest;
}

// The largest magnitude of the warp's, as bits: those of magnitudes are in their order, infinity and NaN above.
__device__ inline unsigned largest_bits(const float4& x) {
  const float largest = largest_of(largest_of(x.x, x.y), largest_of(x.z, x.w));
  return __reduce_max_sync(0xffffffffU, __float_as_uint(largest));
}

// ceil(log2(largest / 448)) in integers: 448 is 1.75 * 2^8.
__device__ inline int e4m3_exponent(unsigned largest) {
  constexpr unsigned kInfinity = 0x7f800000U;
  const float floored = fmaxf(__uint_as_float(largest), kSmallestLargest);
  return largest == kInfinity ? 0 : static_cast<int>((__float_as_uint(floored) + 0x1fffffU) >> 23) - (127 + 8);
}

// The largest comes to [2^14, 2^15).
__device__ inline int f16_exponent(unsigned largest) {
  const float bounded = fminf(fmaxf(__uint_as_float(largest), 0x1p-90F), 0x1p120F);
  return static_cast<int>(__float_as_uint(bounded) >> 23) - (126 + 15);
}

// The scale that stands beside the codes; `largest` are the bits of what e4m3_exponent was asked for.
__device__ inline float e4m3_scale(unsigned largest, int exponent) {
  return __uint_as_float(largest) < kMostActivation ? power(exponent) : NAN;
}

__device__ inline float rest_of_half(float value) { return (value - __half2float(__float2half_rn(value))) * 0x1p11F; }

}  // namespace fathom::cuda
