// A block of inputs whose FP8 weights are multiplied where they lie in shared memory.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/matrix_step_shared.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_sums.cuh"

namespace fathom::cuda {

// Whether the matrix instruction takes the weights as they lie there.
constexpr bool takes_shared_weights([[maybe_unused]] TileKind kind, [[maybe_unused]] Operand operand) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  return kind == TileKind::fp8 && operand == Operand::e4m3;
#else
  return false;
#endif
}

#ifdef FATHOM_WARPGROUP_PRODUCTS

template <int kColumns>
class SharedBlock {
 public:
  using Sums = float[kColumns / 2];

  // Its product begins: a tile of the warpgroup, by a block of rows. At `used` it is said that the stage is free.
  __device__ SharedBlock(Sums& sums, const std::uint8_t* tile, const std::uint8_t* rows, std::uint32_t used)
      : used_(used) {
    start_shared_block<kColumns>(sums, shared_address(tile), shared_address(rows));
    load_scales(columns_, rows + kColumns * kBlockInputs + own_scales());
    row_ = __uint_as_float(std::uint32_t{tile[codes_bytes(TileKind::fp8)]} << 23);
  }

  // When the product has ended.
  __device__ void frees_stage() const {
    __syncwarp();  // scales have been read
    if (threadIdx.x % 32 == 0) barrier_arrive(used_);
  }

  // And then: use(index, sum, scale) of all of a thread's sums.
  template <class Use>
  __device__ void use(const Sums& sums, const Use& use) const {
#pragma unroll
    for (int index = 0; index < kColumns / 8; ++index)
      use_columns<true, kColumns>(sums, index, columns_.of[index], {row_, row_}, use);
  }

 private:
  ColumnScales<kColumns> columns_;
  float row_;  // scale of all of the tile's rows
  std::uint32_t used_;
};

#endif

}  // namespace fathom::cuda
