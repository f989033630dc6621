// Rows of bfloat16 or float32, eight values at a time, and sums over a warp in one order.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

namespace fathom::train {

constexpr int kVector = 8;  // values that a thread takes at once
constexpr int kWarp = 32;
constexpr int kThreads = 256;

struct Eight {
  float value[kVector];
};

__device__ inline Eight load_eight(const __nv_bfloat16* place) {
  const uint4 bits = *reinterpret_cast<const uint4*>(place);
  const unsigned words[4] = {bits.x, bits.y, bits.z, bits.w};
  Eight result;
#pragma unroll
  for (int word = 0; word < 4; ++word) {
    result.value[2 * word] = __uint_as_float(words[word] << 16);
    result.value[2 * word + 1] = __uint_as_float(words[word] & 0xffff0000U);
  }
  return result;
}

__device__ inline Eight load_eight(const float* place) {
  const float4 low = reinterpret_cast<const float4*>(place)[0];
  const float4 high = reinterpret_cast<const float4*>(place)[1];
  return {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
}

__device__ inline void store_eight(__nv_bfloat16* place, const Eight& values) {
  __nv_bfloat162 pairs[4];
#pragma unroll
  for (int pair = 0; pair < 4; ++pair)
    pairs[pair] = __floats2bfloat162_rn(values.value[2 * pair], values.value[2 * pair + 1]);
  *reinterpret_cast<uint4*>(place) = *reinterpret_cast<const uint4*>(pairs);
}

__device__ inline void store_eight(float* place, const Eight& values) {
  const float* value = values.value;
  reinterpret_cast<float4*>(place)[0] = make_float4(value[0], value[1], value[2], value[3]);
  reinterpret_cast<float4*>(place)[1] = make_float4(value[4], value[5], value[6], value[7]);
}

// The same sum in every lane.
__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffU, value, distance);
  return value;
}

inline unsigned blocks_for(std::int64_t threads) { return static_cast<unsigned>((threads + kThreads - 1) / kThreads); }

}  // namespace fathom::train
