// Rows of float32 into blocks for products: a warp takes 128 inputs of a row, finds their power of two, and writes the
// row's one or two columns.
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include "fathom/backends/cuda/kernels/cuda_check.h"
#include "fathom/backends/cuda/kernels/pack_rows.h"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 8;
constexpr float kSmallestLargest = 1e-4F;  // the released kernels' floor under the largest magnitude of 128

// Exact powers of two; exponents stay where float32 is normal.
__device__ float power(int exponent) { return __int_as_float((exponent + 127) << 23); }

__device__ float4 values_of(const PackWork& work, std::int64_t row, int group, int input) {
  float values[4];
  const float* x = work.x + row * work.row_stride + group * work.group_stride;
#pragma unroll
  for (int place = 0; place < 4; ++place) values[place] = input + place < work.in ? x[input + place] : 0.0F;
  return {values[0], values[1], values[2], values[3]};
}

__device__ float swiglu(float gate, float up, float limit, float weight) {
  if (limit > 0.0F) {
    gate = fminf(gate, limit);
    up = fminf(fmaxf(up, -limit), limit);
  }
  return gate / (1.0F + expf(-gate)) * up * weight;
}

__device__ float4 activated(const PackWork& work, std::int64_t row, int input, float weight) {
  float values[4];
  const float* gate = work.x + row * work.row_stride;
  const float* up = work.up + row * work.row_stride;
#pragma unroll
  for (int place = 0; place < 4; ++place)
    values[place] =
        input + place < work.in ? swiglu(gate[input + place], up[input + place], work.limit, weight) : 0.0F;
  return {values[0], values[1], values[2], values[3]};
}

__device__ std::uint32_t two_halves(float first, float second) {
  const __half2 halves = __floats2half2_rn(first, second);
  return *reinterpret_cast<const std::uint32_t*>(&halves);
}

__device__ std::uint32_t four_e4m3(const float4& x) {
  const auto low = __nv_cvt_float2_to_fp8x2({x.x, x.y}, __NV_SATFINITE, __NV_E4M3);
  const auto high = __nv_cvt_float2_to_fp8x2({x.z, x.w}, __NV_SATFINITE, __NV_E4M3);
  return static_cast<std::uint32_t>(low) | (static_cast<std::uint32_t>(high) << 16);
}

__device__ float4 scaled(const float4& x, float factor) {
  return {x.x * factor, x.y * factor, x.z * factor, x.w * factor};
}

// The exponent above which nothing of 128 magnitudes lies, from the largest of them.
__device__ int ceil_exponent(float value) {
  int exponent = 0;
  return frexpf(value, &exponent) == 0.5F ? exponent - 1 : exponent;
}

struct Column {
  std::uint8_t* block;
  float* scales;
  int column;
};

template <Operand kOperand>
__device__ void write_word(const Column& to, int input_byte, std::uint32_t word) {
  *reinterpret_cast<std::uint32_t*>(to.block + block_offset(kOperand, to.column, input_byte)) = word;
}

// Four inputs of a row from input 4 lane on, `largest` over the warp's 128; a largest that is no number spoils the row.
__device__ void write_e4m3(const Column& to, const float4& x, float largest, int lane) {
  const int exponent = ceil_exponent(fmaxf(largest, kSmallestLargest) / kE4m3Largest);
  write_word<Operand::e4m3>(to, 4 * lane, four_e4m3(scaled(x, power(-exponent))));
  if (lane == 0) to.scales[to.column] = isfinite(largest) ? power(exponent) : NAN;
}

__device__ void write_f16(const Column& to, int second_column, const float4& x, float largest, int lane) {
  int exponent = 0;
  frexpf(fminf(fmaxf(largest, 0x1p-90F), 0x1p120F), &exponent);
  exponent -= 15;  // the largest comes to [2^14, 2^15)
  const float4 whole = scaled(x, power(-exponent));
  const Column second = {to.block, to.scales, second_column};
  const int byte = lane / 4 * 32 + lane % 4 * 4;  // inputs 4t, 4t+1 stand at 2t, inputs 4t+2, 4t+3 at 2t+8
  const auto rest = [](float value) { return (value - __half2float(__float2half_rn(value))) * 0x1p11F; };
  write_word<Operand::f16>(to, byte, two_halves(whole.x, whole.y));
  write_word<Operand::f16>(to, byte + 16, two_halves(whole.z, whole.w));
  write_word<Operand::f16>(second, byte, two_halves(rest(whole.x), rest(whole.y)));
  write_word<Operand::f16>(second, byte + 16, two_halves(rest(whole.z), rest(whole.w)));
  if (lane != 0) return;
  to.scales[to.column] = isfinite(largest) ? power(exponent) : NAN;
  to.scales[second_column] = isfinite(largest) ? power(exponent - 11) : NAN;
}

// fmaxf would lose a NaN.
__device__ float larger(float a, float b) { return a >= b || isnan(a) ? a : b; }

template <Operand kOperand>
__global__ void __launch_bounds__(32 * kWarps) pack(const __grid_constant__ PackWork work) {
  const int lane = threadIdx.x % 32;
  const std::int64_t packed_row = std::int64_t{blockIdx.y} * kWarps + threadIdx.x / 32;
  const int chunk_rows = work.columns / columns_of_row(kOperand);
  const std::int64_t limit = work.row_limit != nullptr ? *work.row_limit : work.packed_rows;
  if (packed_row >= limit) return;
  const int input = blockIdx.x * kBlockInputs + 4 * lane;
  const std::int64_t slot = work.slots != nullptr ? work.slots[packed_row] : packed_row < work.rows ? packed_row : -1;
  float4 x = {0.0F, 0.0F, 0.0F, 0.0F};
  if (slot >= 0) {
    if (work.up != nullptr) {
      x = activated(work, packed_row, input, work.weights != nullptr ? work.weights[slot] : 1.0F);
    } else {
      x = values_of(work, slot / work.slots_of_row, blockIdx.z, input);
    }
  }
  float largest = larger(larger(fabsf(x.x), fabsf(x.y)), larger(fabsf(x.z), fabsf(x.w)));
  for (int step = 16; step > 0; step /= 2) largest = larger(largest, __shfl_xor_sync(0xffffffffU, largest, step));

  const std::int64_t chunk = std::int64_t{blockIdx.z} * work.chunks + packed_row / chunk_rows;
  const int column = static_cast<int>(packed_row % chunk_rows);
  const std::int64_t place = chunk * gridDim.x + blockIdx.x;
  std::uint8_t* block = work.blocks + place * block_bytes(kOperand, work.columns);
  auto* scales = reinterpret_cast<float*>(block + work.columns * kBlockInputs * operand_bytes(kOperand));
  const Column to = {block, scales, column};
  if constexpr (kOperand == Operand::e4m3) {
    write_e4m3(to, x, largest, lane);
  } else {
    write_f16(to, column + chunk_rows, x, largest, lane);
  }
}

}  // namespace

void launch_pack(const PackWork& work, Operand operand, cudaStream_t stream) {
  if (work.packed_rows == 0 || work.in == 0) return;
  const dim3 grid(static_cast<unsigned>(pieces_of(work.in, kBlockInputs)),
                  static_cast<unsigned>(pieces_of(work.packed_rows, kWarps)), static_cast<unsigned>(work.groups));
  if (operand == Operand::e4m3) {
    pack<Operand::e4m3><<<grid, 32 * kWarps, 0, stream>>>(work);
  } else {
    pack<Operand::f16><<<grid, 32 * kWarps, 0, stream>>>(work);
  }
  cuda_check(cudaGetLastError(), "pack");
}

}  // namespace fathom::cuda
