// Products of bfloat16 by a warpgroup (sm_90a): 64 rows times 64 columns, sixteen inputs deep, sums in float32 laid out
// as matrix_step.cuh says. Operands lie in shared memory in lines of 64 values, 128 bytes whose pieces of sixteen are
// exchanged within every eight lines (the units' swizzle of 128 bytes): a line at `line`, a piece at piece ^ line % 8.
#pragma once

#include "fathom/backends/cuda/kernels/matrix_step.cuh"

namespace fathom::cuda {

constexpr int kLineBytes = 128;
constexpr int kEightLines = 8 * kLineBytes;

#ifdef FATHOM_WARPGROUP_PRODUCTS

using Lines = std::uint64_t;

// Lines from an address of a multiple of kEightLines on. Where they are rows or columns, a step begins 32 bytes behind
// the one before; where they are inputs, kEightLines * 2 behind.
__device__ inline Lines lines_at(std::uint32_t address) {
  asm volatile("" : "+r"(address));  // else every step's lines are kept over a loop, in registers that there are not
  constexpr std::uint64_t kSwizzle128 = std::uint64_t{1} << 62;
  return static_cast<std::uint64_t>((address & 0x3ffffU) >> 4) | (std::uint64_t{1} << 16) |
         (std::uint64_t{kEightLines >> 4} << 32) | kSwizzle128;
}

__device__ inline Lines lines_behind(Lines lines, int bytes) { return lines + (bytes >> 4); }

// sums[row, column] (+)= sum over inputs of rows[row, input] * columns[column, input]: lines are rows and columns.
__device__ inline void multiply_lines(float (&d)[32], Lines rows, Lines columns, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
      "}, %32, %33, p, 1, 1, 0, 0;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
        "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
        "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
      : "l"(rows), "l"(columns), "r"(add));
}

// sums[row, column] (+)= sum over inputs of a[row, input] * inputs[input, column]: lines are inputs.
__device__ inline void multiply_across_lines(float (&d)[32], const std::uint32_t (&a)[4], Lines inputs, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
      "}, {%32, %33, %34, %35}, %36, p, 1, 1, 1;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
        "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
        "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(inputs), "r"(add));
}

// What the threads wrote to shared memory is seen by products.
__device__ inline void show_to_products() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

#endif

}  // namespace fathom::cuda
