// How a product of many rows (prefill_product.cuh) is launched, and what becomes of its sums.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/product_launch.h"

namespace fathom::cuda {

inline constexpr int kPrefillConsumers = 256;  // two warpgroups, a tile of outputs each
inline constexpr int kPrefillThreads = kPrefillConsumers + kWarpgroupThreads;

struct PrefillLaunch {
  int stages;
  int units;
  int places;  // groups of columns that meet the same weights before the next weights come: both stay in the cache
};

// Rows of float32, where the work's targets say.
struct PrefillRowsArgs {
  std::int64_t none = 0;
};

// Shared memory that an end may take beside the stages.
inline constexpr int kPrefillStaged = 10 * 1024;

// SwiGLU of the work's two targets, w1 and w3 of FP4 experts beside e4m3, times each row's weight, packed for w2: on
// sm_90a alone.
struct PrefillSwigluArgs {
  std::uint8_t* blocks = nullptr;  // [expert_dim / 128, work.x_chunks]
  float4* kept =
      nullptr;  // [multiprocessors, kPrefillKept] a unit of w1's sums and the one beside it of w3's beside it
  const std::int32_t* slots = nullptr;  // [packed rows] -1: padding
  const float* weights = nullptr;       // by slot, or null: 1
  float limit = 0.0F;
};
inline constexpr int kPrefillMostFours = 28;  // of a thread: 224 columns
inline constexpr std::int64_t kPrefillKept = 2 * kPrefillMostFours * kPrefillConsumers;
bool fits_prefill_swiglu(const ProductDevice& device, TileKind kind, Operand operand, std::int64_t out);
void launch_prefill_swiglu(const ProductDevice& device, const ProductLaunch& launch, const ProductWork& work,
                           const PrefillShape& shape, const PrefillSwigluArgs& args, Stream stream);

}  // namespace fathom::cuda
