// One step of a matrix product by a warpgroup: 64 rows of weights in registers times N columns of activations in shared
// memory, 32 bytes of inputs deep. Every thread holds the rows g and g + 8 of its warp's 16 and, of every 8 columns,
// the columns 2 t and 2 t + 1: sums[4 i + 2 half + c] is row g + 8 half, column 8 i + 2 t + c. On sm_90a this is wgmma,
// which runs on its own until wait_products; elsewhere mma.sync over the same registers and the same shared memory.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/product_layout.h"

namespace fathom::cuda {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define FATHOM_WARPGROUP_PRODUCTS
#endif

// The compiler must neither keep a sum in another register over a product nor move its use before the wait.
template <int N>
__device__ inline void hold_sums(float (&sums)[N / 2]) {
#pragma unroll
  for (int index = 0; index < N / 2; ++index) asm volatile("" : "+f"(sums[index])::"memory");
}

__device__ inline void begin_products() {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#endif
}

__device__ inline void commit_products() {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
#endif
}

// step(index, add) of a sum's kSteps steps, as a group. Who comes from a wait may lag, and a product reads all lanes.
template <int kSteps, int N, typename Step>
__device__ inline void start_products(float (&sums)[N / 2], const Step& step) {
  __syncwarp();
  hold_sums<N>(sums);
  begin_products();
#pragma unroll
  for (int index = 0; index < kSteps; ++index) step(index, index > 0 ? 1 : 0);
  commit_products();
}

// Until no more than kPending committed groups run.
template <int kPending>
__device__ inline void wait_products() {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
#endif
}

#ifdef FATHOM_WARPGROUP_PRODUCTS

// Where the columns of a block lie. Without swizzle: pieces of 8 columns by 16 bytes, 128 bytes apart along the inputs
// and a block's row of pieces apart along the columns.
using Columns = std::uint64_t;

template <Operand kOperand>
__device__ inline Columns columns_at(std::uint32_t address) {
  constexpr std::uint64_t kColumnStep = 8 * kBlockInputs * operand_bytes(kOperand);
  return static_cast<std::uint64_t>((address & 0x3ffffU) >> 4) | (std::uint64_t{128 >> 4} << 16) |
         ((kColumnStep >> 4) << 32);
}

// Shared memory is too small for the address to carry over. Many columns take additions of 32 bits, none of which waits
// for another; kernels of few columns had more registers to spill with these.
template <int N>
__device__ inline std::uint64_t columns_of_step(Columns columns, int step) {
  const std::uint32_t further = (256U >> 4) * static_cast<std::uint32_t>(step);
  if constexpr (N < kPrefillColumns) return columns + further;
  return (columns & ~std::uint64_t{0xffffffffU}) | (static_cast<std::uint32_t>(columns) + further);
}

__device__ inline void warpgroup_step_f16_8(float (&d)[4], const std::uint32_t (&a)[4], std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %9, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {"
      "%0, %1, %2, %3"
      "}, {%4, %5, %6, %7}, %8, p, 1, 1, 0;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(add));
}

__device__ inline void warpgroup_step_f16_16(float (&d)[8], const std::uint32_t (&a)[4], std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %13, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7"
      "}, {%8, %9, %10, %11}, %12, p, 1, 1, 0;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(add));
}

__device__ inline void warpgroup_step_f16_32(float (&d)[16], const std::uint32_t (&a)[4], std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %21, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.f16.f16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
      "}, {%16, %17, %18, %19}, %20, p, 1, 1, 0;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(add));
}

__device__ inline void warpgroup_step_f16_64(float (&d)[32], const std::uint32_t (&a)[4], std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.f16.f16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
      "}, {%32, %33, %34, %35}, %36, p, 1, 1, 0;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
        "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
        "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(add));
}

__device__ inline void warpgroup_step_e4m3_8(float (&d)[4], const std::uint32_t (&a)[4], std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %9, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n8k32.f32.e4m3.e4m3 {"
      "%0, %1, %2, %3"
      "}, {%4, %5, %6, %7}, %8, p, 1, 1;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(add));
}

__device__ inline void warpgroup_step_e4m3_16(float (&d)[8], const std::uint32_t (&a)[4], std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %13, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n16k32.f32.e4m3.e4m3 {"
      "%0, %1, %2, %3, %4, %5, %6, %7"
      "}, {%8, %9, %10, %11}, %12, p, 1, 1;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(add));
}

__device__ inline void warpgroup_step_e4m3_32(float (&d)[16], const std::uint32_t (&a)[4], std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %21, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n32k32.f32.e4m3.e4m3 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
      "}, {%16, %17, %18, %19}, %20, p, 1, 1;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(add));
}

__device__ inline void warpgroup_step_e4m3_64(float (&d)[32], const std::uint32_t (&a)[4], std::uint64_t x, int add) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k32.f32.e4m3.e4m3 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
      "}, {%32, %33, %34, %35}, %36, p, 1, 1;\n}\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]),
        "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]),
        "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]),
        "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(x), "r"(add));
}

// sums (+)= weights * columns of one step. `add` 0 starts a sum.
template <Operand kOperand, int N>
__device__ inline void product_step(float (&sums)[N / 2], const std::uint32_t (&a)[4], Columns columns, int step,
                                    int add) {
  const std::uint64_t x = columns_of_step<N>(columns, step);
  if constexpr (kOperand == Operand::f16) {
    if constexpr (N == 8) warpgroup_step_f16_8(sums, a, x, add);
    if constexpr (N == 16) warpgroup_step_f16_16(sums, a, x, add);
    if constexpr (N == 32) warpgroup_step_f16_32(sums, a, x, add);
    if constexpr (N == 64) warpgroup_step_f16_64(sums, a, x, add);
  } else {
    if constexpr (N == 8) warpgroup_step_e4m3_8(sums, a, x, add);
    if constexpr (N == 16) warpgroup_step_e4m3_16(sums, a, x, add);
    if constexpr (N == 32) warpgroup_step_e4m3_32(sums, a, x, add);
    if constexpr (N == 64) warpgroup_step_e4m3_64(sums, a, x, add);
  }
}

#else

using Columns = std::uint32_t;

template <Operand kOperand>
__device__ inline Columns columns_at(std::uint32_t address) {
  return address;
}

__device__ inline std::uint32_t shared_word(std::uint32_t address) {
  std::uint32_t word;
  asm volatile("ld.shared.b32 %0, [%1];" : "=r"(word) : "r"(address));
  return word;
}

template <Operand kOperand>
__device__ inline void warp_step(float* d, const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  if constexpr (kOperand == Operand::f16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
    __trap();  // the host never chooses e4m3 operands below sm_89
#endif
  }
}

template <Operand kOperand, int N>
__device__ inline void product_step(float (&sums)[N / 2], const std::uint32_t (&a)[4], Columns block, int step,
                                    int add) {
  const int lane = threadIdx.x % 32;
  constexpr int kColumnStep = 8 * kBlockInputs * operand_bytes(kOperand);
#pragma unroll
  for (int columns = 0; columns < N / 8; ++columns) {
    const std::uint32_t at = block + columns * kColumnStep + 256 * step + lane / 4 * 16 + lane % 4 * 4;
    float* d = &sums[4 * columns];
    if (add == 0) d[0] = d[1] = d[2] = d[3] = 0.0F;
    warp_step<kOperand>(d, a, shared_word(at), shared_word(at + 128));
  }
}

#endif

}  // namespace fathom::cuda
