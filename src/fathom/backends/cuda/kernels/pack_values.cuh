// One row's block of 128 inputs as a product reads it: a warp finds the power of two and writes one or two columns.
#pragma once

#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/pack_rows.h"
#include "fathom/backends/cuda/kernels/product_layout.h"

namespace fathom::cuda {

inline constexpr float kSmallestLargest = 1e-4F;  // the released kernels' floor under the largest magnitude of 128

// Exact powers of two; exponents stay where float32 is normal.
__device__ inline float power(int exponent) { return __int_as_float((exponent + 127) << 23); }

__device__ inline float4 four(const float* row, int input, std::int64_t in, bool aligned) {
  if (aligned && input + 4 <= in) return *reinterpret_cast<const float4*>(row + input);
  const auto at = [&](int place) { return input + place < in ? row[input + place] : 0.0F; };
  return {at(0), at(1), at(2), at(3)};
}

__device__ inline float swiglu(float gate, float up, float limit, float weight) {
  if (limit > 0.0F) {
    gate = fminf(gate, limit);
    up = fminf(fmaxf(up, -limit), limit);
  }
  return gate / (1.0F + expf(-gate)) * up * weight;
}

__device__ inline float4 swiglu(const float4& gate, const float4& up, float limit, float weight) {
  return {swiglu(gate.x, up.x, limit, weight), swiglu(gate.y, up.y, limit, weight), swiglu(gate.z, up.z, limit, weight),
          swiglu(gate.w, up.w, limit, weight)};
}

__device__ inline std::uint32_t two_halves(float first, float second) {
  const __half2 halves = __floats2half2_rn(first, second);
  return *reinterpret_cast<const std::uint32_t*>(&halves);
}

__device__ inline std::uint32_t four_e4m3(const float4& x) {
  const auto low = __nv_cvt_float2_to_fp8x2({x.x, x.y}, __NV_SATFINITE, __NV_E4M3);
  const auto high = __nv_cvt_float2_to_fp8x2({x.z, x.w}, __NV_SATFINITE, __NV_E4M3);
  return static_cast<std::uint32_t>(low) | (static_cast<std::uint32_t>(high) << 16);
}

__device__ inline float4 scaled(const float4& x, float factor) {
  return {x.x * factor, x.y * factor, x.z * factor, x.w * factor};
}

// The least exponent e with magnitude <= 448 * 2^e, from a normal magnitude's bits: 448 is 1.75 * 2^8.
__device__ inline int e4m3_exponent(std::uint32_t magnitude) {
  return static_cast<int>((magnitude + 0x1fffffU) >> 23) - 135;
}

__device__ inline bool is_finite(std::uint32_t magnitude) { return magnitude < 0x7f800000U; }

struct Column {
  std::uint8_t* block;
  float* scales;
  int column;
};

template <Operand kOperand>
__device__ inline void write_word(const Column& to, int input_byte, std::uint32_t word) {
  *reinterpret_cast<std::uint32_t*>(to.block + block_offset(kOperand, to.column, input_byte)) = word;
}

// Four inputs of a row from input 4 lane on; `largest` are the bits of the largest magnitude of the warp's 128. One
// that is no number spoils the row.
__device__ inline void write_e4m3(const Column& to, const float4& x, std::uint32_t largest, int lane) {
  const int exponent = e4m3_exponent(max(largest, __float_as_uint(kSmallestLargest)));
  write_word<Operand::e4m3>(to, 4 * lane, four_e4m3(scaled(x, power(-exponent))));
  if (lane == 0) to.scales[to.column] = is_finite(largest) ? power(exponent) : NAN;
}

__device__ inline void write_f16(const Column& to, int second_column, const float4& x, std::uint32_t largest,
                                 int lane) {
  const std::uint32_t normal = min(max(largest, __float_as_uint(0x1p-90F)), __float_as_uint(0x1p120F));
  const int exponent = static_cast<int>(normal >> 23) - 126 - 15;  // the largest comes to [2^14, 2^15)
  const float4 whole = scaled(x, power(-exponent));
  const Column second = {to.block, to.scales, second_column};
  const int byte = lane / 4 * 32 + lane % 4 * 4;  // inputs 4t, 4t+1 stand at 2t, inputs 4t+2, 4t+3 at 2t+8
  const auto rest = [](float value) { return (value - __half2float(__float2half_rn(value))) * 0x1p11F; };
  write_word<Operand::f16>(to, byte, two_halves(whole.x, whole.y));
  write_word<Operand::f16>(to, byte + 16, two_halves(whole.z, whole.w));
  write_word<Operand::f16>(second, byte, two_halves(rest(whole.x), rest(whole.y)));
  write_word<Operand::f16>(second, byte + 16, two_halves(rest(whole.z), rest(whole.w)));
  if (lane != 0) return;
  to.scales[to.column] = is_finite(largest) ? power(exponent) : NAN;
  to.scales[second_column] = is_finite(largest) ? power(exponent - 11) : NAN;
}

// The largest magnitude's bits of a warp's 128 inputs; magnitudes are in the order of their bits, NaN above all.
__device__ inline std::uint32_t largest_of_warp(const float4& x) {
  const auto bits = [](float value) { return __float_as_uint(value) & 0x7fffffffU; };
  return __reduce_max_sync(0xffffffffU, max(max(bits(x.x), bits(x.y)), max(bits(x.z), bits(x.w))));
}

// A warp's block: `x` are the lane's four of its 128 inputs, which begin at input 4 * lane. `chunk_rows` further lies
// the second column of a row that has two.
template <Operand kOperand>
__device__ inline void pack_block(const Column& to, int chunk_rows, const float4& x) {
  const int lane = threadIdx.x % 32;
  const std::uint32_t largest = largest_of_warp(x);
  if constexpr (kOperand == Operand::e4m3) {
    write_e4m3(to, x, largest, lane);
  } else {
    write_f16(to, to.column + chunk_rows, x, largest, lane);
  }
}

}  // namespace fathom::cuda
