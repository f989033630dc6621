// Values through the released number formats and back, in one pass each: fake_quantize.h's rules, bit for bit.
#include "fathom/trainer/kernels/kernels.h"
#include "fathom/trainer/kernels/rows.cuh"

namespace fathom::train {
namespace {

constexpr unsigned kAll = 0xffffffffU;
constexpr int kTile = 128;  // of an FP8 weight's scale
constexpr float kE4m3Largest = 448.0F;
constexpr float kE2m1Largest = 6.0F;

// Note [Scales by their bits] of fake_quantize.cpp.
__device__ float ceil_to_power_of_two(float value) {
  const unsigned bits = __float_as_uint(value);
  const unsigned mantissa = bits & 0x7fffffU;
  const unsigned exponent = bits >> 23;
  const bool up = exponent == 0 ? mantissa > 0x400000U : mantissa > 0;
  const unsigned code = min(exponent + (up ? 1U : 0U), 254U);
  return __uint_as_float(code == 0 ? 0x400000U : code << 23);
}

__device__ float round_e4m3(float value) {
  const float magnitude = fabsf(value);
  unsigned bits = __float_as_uint(magnitude);
  bits = (bits + ((bits >> 20) & 1U) + 0x7ffffU) & ~0xfffffU;
  const float steps = __fsub_rn(__fadd_rn(magnitude, 0x1p14F), 0x1p14F);
  return copysignf(fminf(magnitude < 0x1p-6F ? steps : __uint_as_float(bits), kE4m3Largest), value);
}

__device__ float round_e2m1(float value) {
  const float magnitude = fabsf(value);
  const float step = magnitude >= 4.0F ? 2.0F : (magnitude >= 2.0F ? 1.0F : 0.5F);
  return copysignf(fminf(rintf(magnitude / step) * step, kE2m1Largest), value);
}

__device__ float largest_of(const Eight& values) {
  float largest = 0.0F;
#pragma unroll
  for (const float value : values.value) largest = fmaxf(largest, fabsf(value));
  return largest;
}

// Over aligned groups of `lanes` lanes.
__device__ float group_max(float value, int lanes) {
  for (int distance = lanes / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAll, value, distance));
  return value;
}

__device__ float weight_scale(float largest, float range) {
  return largest == 0.0F ? 1.0F : ceil_to_power_of_two(largest / range);
}

// Runs of 32 values share a scale: four lanes.
template <class T>
__global__ void round_fp4(RoundKernelArgs args) {
  const std::int64_t place = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * kVector;
  const bool inside = place < args.rows * args.columns;
  Eight values = inside ? load_eight(static_cast<const float*>(args.x) + place) : Eight{};
  const float scale = weight_scale(group_max(largest_of(values), 4), kE2m1Largest);
  if (!inside) return;
#pragma unroll
  for (float& value : values.value) value = round_e2m1(value / scale) * scale;
  store_eight(static_cast<T*>(args.out) + place, values);
}

// Squares of 128 x 128 share a scale: a block.
template <class T>
__global__ void round_fp8(RoundKernelArgs args) {
  __shared__ float parts[kThreads / kWarp];
  const std::int64_t tiles_across = (args.columns + kTile - 1) / kTile;
  const std::int64_t tiles_down = (args.rows + kTile - 1) / kTile;
  const std::int64_t tile = blockIdx.x % (tiles_across * tiles_down);
  const std::int64_t matrix = blockIdx.x / (tiles_across * tiles_down);
  const std::int64_t top = tile / tiles_across * kTile;
  const std::int64_t left = tile % tiles_across * kTile;
  const float* x = static_cast<const float*>(args.x) + matrix * args.rows * args.columns;
  T* out = static_cast<T*>(args.out) + matrix * args.rows * args.columns;
  const std::int64_t column = left + threadIdx.x % kTile;
  constexpr int kStep = kThreads / kTile;
  float largest = 0.0F;
  for (std::int64_t row = top + threadIdx.x / kTile; row < min(top + kTile, args.rows); row += kStep)
    if (column < args.columns) largest = fmaxf(largest, fabsf(x[row * args.columns + column]));
  largest = group_max(largest, kWarp);
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = largest;
  __syncthreads();
  for (const float part : parts) largest = fmaxf(largest, part);
  const float scale = weight_scale(largest, kE4m3Largest);
  for (std::int64_t row = top + threadIdx.x / kTile; row < min(top + kTile, args.rows); row += kStep)
    if (column < args.columns)
      out[row * args.columns + column] = static_cast<T>(round_e4m3(x[row * args.columns + column] / scale) * scale);
}

// Columns before `still` in groups of 64, eight lanes, through FP8; the others through bfloat16.
template <class T>
__global__ void round_entries(RoundKernelArgs args) {
  const std::int64_t place = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * kVector;
  const bool inside = place < args.rows * args.columns;
  Eight values = inside ? load_eight(static_cast<const T*>(args.x) + place) : Eight{};
  const float largest = fmaxf(group_max(largest_of(values), 8), 1e-4F);
  if (!inside) return;
  const bool grouped = place % args.columns < args.still;
  const float scale = ceil_to_power_of_two(largest * (1.0F / kE4m3Largest));
#pragma unroll
  for (float& value : values.value)
    value = grouped ? round_e4m3(value / scale) * scale : __bfloat162float(__float2bfloat16(value));
  store_eight(static_cast<T*>(args.out) + place, values);
}

// A row of 8 * lanes values through the Hadamard transform, and through FP4 in groups of 32 where `rounds` asks for it.
template <class T>
__global__ void round_index(RoundKernelArgs args) {
  const std::int64_t place = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * kVector;
  const bool inside = place < args.rows * args.columns;
  const int lanes = static_cast<int>(args.columns / kVector);
  Eight values = inside ? load_eight(static_cast<const T*>(args.x) + place) : Eight{};
#pragma unroll
  for (int half = 1; half < kVector; half *= 2)
#pragma unroll
    for (int low = 0; low < kVector; ++low)
      if ((low & half) == 0) {
        const float sum = values.value[low] + values.value[low + half];
        values.value[low + half] = values.value[low] - values.value[low + half];
        values.value[low] = sum;
      }
  for (int distance = 1; distance < lanes; distance *= 2)
#pragma unroll
    for (float& value : values.value) {
      const float other = __shfl_xor_sync(kAll, value, distance);
      value = (threadIdx.x & distance) != 0 ? other - value : value + other;
    }
  const float factor = static_cast<float>(1.0 / sqrt(static_cast<double>(args.columns)));
#pragma unroll
  for (float& value : values.value) value *= factor;
  if (args.rounds) {
    const float largest = fmaxf(group_max(largest_of(values), 4), 6.0F * 0x1p-126F);
    const float scale = ceil_to_power_of_two(largest * (1.0F / kE2m1Largest));
#pragma unroll
    for (float& value : values.value) value = round_e2m1(value / scale) * scale;
  }
  if (inside) store_eight(static_cast<T*>(args.out) + place, values);
}

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

}  // namespace

void round_fp4_kernel(const RoundKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? round_fp4<__nv_bfloat16> : round_fp4<float>;
  kernel<<<blocks_for(args.rows * args.columns / kVector), kThreads, 0, as_stream(stream)>>>(args);
}
void round_fp8_kernel(const RoundKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? round_fp8<__nv_bfloat16> : round_fp8<float>;
  const std::int64_t tiles = (args.rows + kTile - 1) / kTile * ((args.columns + kTile - 1) / kTile);
  kernel<<<static_cast<unsigned>(args.matrices * tiles), kThreads, 0, as_stream(stream)>>>(args);
}
void round_entries_kernel(const RoundKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? round_entries<__nv_bfloat16> : round_entries<float>;
  kernel<<<blocks_for(args.rows * args.columns / kVector), kThreads, 0, as_stream(stream)>>>(args);
}
void round_index_kernel(const RoundKernelArgs& args, void* stream) {
  auto* kernel = args.bf16 ? round_index<__nv_bfloat16> : round_index<float>;
  kernel<<<blocks_for(args.rows * args.columns / kVector), kThreads, 0, as_stream(stream)>>>(args);
}

}  // namespace fathom::train
