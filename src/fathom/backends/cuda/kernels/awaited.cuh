// Numbers that other thread blocks, of the same launch or of the one before it, will write: who needs one reads it
// until it is there. Nothing else is promised to be seen with it, so nothing has to be fenced.
#pragma once

#include <cstdint>

namespace fathom::cuda {

// What nobody has written yet: no sum has these bits, for what is no number comes out of the hardware as 0x7fffffff.
inline constexpr std::uint32_t kAwaited = 0xffffffffU;

__device__ inline float4 read_there(const float* from) {
  float4 four;
  asm volatile("ld.relaxed.gpu.global.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(four.x), "=f"(four.y), "=f"(four.z), "=f"(four.w)
               : "l"(from)
               : "memory");
  return four;
}
__device__ inline std::int32_t read_there(const std::int32_t* from) {
  std::int32_t value;
  asm volatile("ld.relaxed.gpu.global.s32 %0, [%1];" : "=r"(value) : "l"(from) : "memory");
  return value;
}
__device__ inline void write_there(float* to, float value) {
  asm volatile("st.relaxed.gpu.global.f32 [%0], %1;" ::"l"(to), "f"(value) : "memory");
}
__device__ inline void write_there(std::int32_t* to, std::int32_t value) {
  asm volatile("st.relaxed.gpu.global.s32 [%0], %1;" ::"l"(to), "r"(value) : "memory");
}
__device__ inline bool is_there(const float4& four) {
  return __float_as_uint(four.x) != kAwaited && __float_as_uint(four.y) != kAwaited &&
         __float_as_uint(four.z) != kAwaited && __float_as_uint(four.w) != kAwaited;
}

}  // namespace fathom::cuda
