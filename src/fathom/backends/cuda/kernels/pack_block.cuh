// One row's block of 128 inputs as a product reads it: a warp finds the power of two and writes one or two columns.
#pragma once

#include "fathom/backends/cuda/kernels/pack_values.cuh"
#include "fathom/backends/cuda/kernels/product_layout.h"

namespace fathom::cuda {

__device__ inline float4 four(const float* row, int input, std::int64_t in, bool aligned) {
  if (aligned && input + 4 <= in) return *reinterpret_cast<const float4*>(row + input);
  const auto at = [&](int place) { return input + place < in ? row[input + place] : 0.0F; };
  return {at(0), at(1), at(2), at(3)};
}

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
__device__ inline void write_e4m3(const Column& to, const float4& x, unsigned largest, int lane) {
  const int exponent = e4m3_exponent(largest);
  write_word<Operand::e4m3>(to, 4 * lane, four_e4m3(scaled(x, power(-exponent))));
  if (lane == 0) to.scales[to.column] = e4m3_scale(largest, exponent);
}

__device__ inline void write_f16(const Column& to, int second_column, const float4& x, unsigned largest, int lane) {
  const int exponent = f16_exponent(largest);
  const float4 whole = scaled(x, power(-exponent));
  const Column second = {to.block, to.scales, second_column};
  const int byte = lane / 4 * 32 + lane % 4 * 4;  // inputs 4t, 4t+1 stand at 2t, inputs 4t+2, 4t+3 at 2t+8
  write_word<Operand::f16>(to, byte, two_halves(whole.x, whole.y));
  write_word<Operand::f16>(to, byte + 16, two_halves(whole.z, whole.w));
  write_word<Operand::f16>(second, byte, two_halves(rest_of_half(whole.x), rest_of_half(whole.y)));
  write_word<Operand::f16>(second, byte + 16, two_halves(rest_of_half(whole.z), rest_of_half(whole.w)));
  if (lane != 0) return;
  const bool finite = isfinite(__uint_as_float(largest));
  to.scales[to.column] = finite ? power(exponent) : NAN;
  to.scales[second_column] = finite ? power(exponent - kRestBits) : NAN;
}

// A warp's block: `x` are the lane's four of its 128 inputs, which begin at input 4 * lane. `chunk_rows` further lies
// the second column of a row that has two.
template <Operand kOperand>
__device__ inline void pack_block(const Column& to, int chunk_rows, const float4& x) {
  const int lane = threadIdx.x % 32;
  const unsigned largest = largest_bits(x);
  if constexpr (kOperand == Operand::e4m3) {
    write_e4m3(to, x, largest, lane);
  } else {
    write_f16(to, to.column + chunk_rows, x, largest, lane);
  }
}

}  // namespace fathom::cuda
