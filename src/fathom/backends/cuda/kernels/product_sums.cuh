// From the tensor core's sum over 128 inputs to a row's result. Every kernel adds these sums in the order of the
// inputs, each times its weight's and its column's power of two: a row has the same bits whatever kernel computes it.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/matrix_step.cuh"
#include "fathom/backends/cuda/kernels/weight_operand.cuh"

namespace fathom::cuda {

template <TileKind kKind, Operand kOperand, int N>
__device__ inline void start_block(float (&sums)[N / 2], const WeightOperand<kKind, kOperand>& weight,
                                   std::uint32_t block) {
  const Columns columns = columns_at<kOperand>(block);
  start_products<WeightOperand<kKind, kOperand>::kSteps, N>(
      sums, [&](int step, int add) { product_step<kOperand, N>(sums, weight.a[step], columns, step, add); });
}

// Where the first of a thread's scales lie behind the first of a block's.
__device__ inline int own_scales() { return static_cast<int>(threadIdx.x) % 4 * 8; }

// A thread's scales of a block's N columns: 8 i + 2 t and 8 i + 2 t + 1 of each i. `own` is the first of them.
template <int N>
struct ColumnScales {
  float2 of[N / 8];

  __device__ void load(const std::uint8_t* own, int index) {
    of[index] = reinterpret_cast<const float2*>(own)[4 * index];
  }
};

template <int N>
__device__ inline void load_scales(ColumnScales<N>& to, const std::uint8_t* own) {
#pragma unroll
  for (int index = 0; index < N / 8; ++index) to.load(own, index);
}

// The sums of the columns from 8 `index` on, each with its column's scale times its row's: use(index, sum, scale).
template <bool kRowsShareScale, int N, typename Use>
__device__ inline void use_columns(const float (&sums)[N / 2], int index, const float2& columns, const float (&rows)[2],
                                   const Use& use) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float row = rows[kRowsShareScale ? 0 : half];
    use(4 * index + 2 * half, sums[4 * index + 2 * half], columns.x * row);
    use(4 * index + 2 * half + 1, sums[4 * index + 2 * half + 1], columns.y * row);
  }
}

// The column's scale times the weight's of each sum, and what to do with it: use(index, sum, scale).
template <TileKind kKind, Operand kOperand, int N, typename Use>
__device__ inline void use_block(float (&sums)[N / 2], const WeightOperand<kKind, kOperand>& weight,
                                 const std::uint8_t* own_scales, const Use& use) {
  hold_sums<N>(sums);
  ColumnScales<N> columns;
  load_scales(columns, own_scales);
#pragma unroll
  for (int index = 0; index < N / 8; ++index)
    use_columns<WeightOperand<kKind, kOperand>::kRowsShareScale, N>(sums, index, columns.of[index], weight.scale, use);
}

// The rows of activations of a chunk of N columns from its sums; two columns of a row meet here. store(row, half,
// value) with the row of the chunk and which of the thread's two outputs it is.
template <Operand kOperand, int N, typename Store>
__device__ inline void use_rows(const float (&sums)[N / 2], const Store& store) {
  const int first = threadIdx.x % 4 * 2;
  if constexpr (kOperand == Operand::e4m3) {
#pragma unroll
    for (int index = 0; index < N / 2; ++index) store(index / 4 * 8 + first + index % 2, index / 2 % 2, sums[index]);
  } else if constexpr (N == 8) {  // the second column of a row lies two threads on
#pragma unroll
    for (int index = 0; index < 4; ++index) {
      const float value = sums[index] + __shfl_xor_sync(0xffffffffU, sums[index], 2);
      if (first < 4) store(first + index % 2, index / 2, value);
    }
  } else {
#pragma unroll
    for (int index = 0; index < N / 4; ++index)
      store(index / 4 * 8 + first + index % 2, index / 2 % 2, sums[index] + sums[index + N / 4]);
  }
}

}  // namespace fathom::cuda
