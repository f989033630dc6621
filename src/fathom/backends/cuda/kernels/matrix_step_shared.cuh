// A step of a matrix product (matrix_step.cuh) whose weights too lie in shared memory: FP8 tiles, which stand there as
// blocks of activations do. No thread holds weights, so nothing is loaded ahead of a product and held until its end.
// The sums have the same bits.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/matrix_step.cuh"

namespace fathom::cuda {

#ifdef FATHOM_WARPGROUP_PRODUCTS

__device__ inline void shared_step_8(float (&d)[4], std::uint64_t a, std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %6, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e4m3 {"
      "%0, %1, %2, %3"
      "}, %4, %5, p, 1, 1;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "l"(a), "l"(x), "r"(add));
}

__device__ inline void shared_step_16(float (&d)[8], std::uint64_t a, std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %10, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n16k32.f32.e4m3.e4m3 {"
      "%0, %1, %2, %3, %4, %5, %6, %7"
      "}, %8, %9, p, 1, 1;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
      : "l"(a), "l"(x), "r"(add));
}

__device__ inline void shared_step_32(float (&d)[16], std::uint64_t a, std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %18, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n32k32.f32.e4m3.e4m3 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
      "}, %16, %17, p, 1, 1;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
      : "l"(a), "l"(x), "r"(add));
}

// The sum over a tile's 128 inputs, times a block's N columns; `tile` and `block` are addresses of shared memory.
template <int N>
__device__ inline void start_shared_block(float (&sums)[N / 2], std::uint32_t tile, std::uint32_t block) {
  const Columns weights = columns_at<Operand::e4m3>(tile);
  const Columns columns = columns_at<Operand::e4m3>(block);
  start_products<kBlockInputs / 32, N>(sums, [&](int step, int add) {
    const std::uint64_t a = columns_of_step<N>(weights, step);
    const std::uint64_t x = columns_of_step<N>(columns, step);
    if constexpr (N == 8) shared_step_8(sums, a, x, add);
    if constexpr (N == 16) shared_step_16(sums, a, x, add);
    if constexpr (N == 32) shared_step_32(sums, a, x, add);
  });
}

#endif

}  // namespace fathom::cuda
