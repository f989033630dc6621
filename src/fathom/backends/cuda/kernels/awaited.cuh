// Numbers that other thread blocks, of the same launch or of the one before it, will write: who needs one reads it
// until it is there. Nothing else is promised to be seen with it, so nothing has to be fenced.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/awaited_row.h"

namespace fathom::cuda {

// What nobody has written yet: no sum has these bits, for what is no number comes out of the hardware as 0x7fffffff.
inline constexpr std::uint32_t kAwaited = 0xffffffffU;
inline constexpr unsigned kMostTurns = 1U << 24;  // of asking: many seconds

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

// Numbers beside their launch's (awaited_row.h). Not through the first-level cache: the step's first is staged.
__device__ inline std::uint32_t launch_of(const AwaitedRow& row) {
  return static_cast<std::uint32_t>(row.launch) + (row.first != nullptr ? __ldcg(row.first) : 0U);
}

__device__ inline void write_there(std::uint64_t* to, std::uint64_t number) {
  asm volatile("st.relaxed.gpu.global.b64 [%0], %1;" ::"l"(to), "l"(number) : "memory");
}
__device__ inline std::uint64_t read_there(const std::uint64_t* from) {
  std::uint64_t number = 0;
  asm volatile("ld.relaxed.gpu.global.b64 %0, [%1];" : "=l"(number) : "l"(from) : "memory");
  return number;
}
// `from` is on a boundary of sixteen bytes.
__device__ inline void read_there(const std::uint64_t* from, std::uint64_t (&numbers)[2]) {
  asm volatile("ld.relaxed.gpu.global.v2.b64 {%0, %1}, [%2];"
               : "=l"(numbers[0]), "=l"(numbers[1])
               : "l"(from)
               : "memory");
}

// A channel.
__device__ inline std::uint64_t with_launch(float value, std::uint32_t launch) {
  return std::uint64_t{launch} << 32 | __float_as_uint(value);
}
__device__ inline float value_of(std::uint64_t number) { return __uint_as_float(static_cast<std::uint32_t>(number)); }
__device__ inline bool is_of(std::uint64_t number, std::uint32_t launch) {
  return static_cast<std::uint32_t>(number >> 32) == launch;
}

// Four codes, and the scale of their 128: a power of two or none. 24 bits of the launch's number.
__device__ inline std::uint64_t with_launch(std::uint32_t codes, float scale, std::uint32_t launch) {
  return std::uint64_t{launch << 8 | (__float_as_uint(scale) >> 23 & 0xffU)} << 32 | codes;
}
__device__ inline float scale_of(std::uint64_t number) {
  const auto exponent = static_cast<std::uint32_t>(number >> 32) & 0xffU;
  return __uint_as_float(exponent == 0xffU ? 0x7fffffffU : exponent << 23);
}
__device__ inline bool are_codes_of(std::uint64_t number, std::uint32_t launch) {
  return static_cast<std::uint32_t>(number >> 40) == (launch & 0xffffffU);
}

// `read` says whether all that it reads is there. It loads all of that before it looks at any, without branches: else
// each load would wait for the one before it.
template <class Read>
__device__ inline void await(const Read& read) {
  for (unsigned turn = 0; !read(); ++turn)
    if (turn == kMostTurns) __trap();
}

// Until what is written ahead is there, by one thread: if all blocks' threads asked all the time, what they ask for
// would come late.
__device__ inline void await_soon(const AwaitedRow& row) {
  const std::uint32_t launch = launch_of(row);
  await([&] {
    if (is_of(read_there(row.numbers + kAwaitedSoon), launch)) return true;
    __nanosleep(50);
    return false;
  });
}

}  // namespace fathom::cuda
