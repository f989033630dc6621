// How a turned product (turned_product.cuh) is launched: many rows by FP8 weights, activations as e4m3, on sm_90a.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/product_launch.h"

namespace fathom::cuda {

// A unit: four tiles of outputs by two chunks of rows.
inline constexpr int kTurnedTiles = 4;
inline constexpr int kTurnedChunks = 2;
inline constexpr int kTurnedConsumers = 256;  // two warpgroups, a chunk of rows each
inline constexpr int kTurnedThreads = kTurnedConsumers + kWarpgroupThreads;
inline constexpr int kTurnedStageBytes =
    kTurnedTiles * tile_bytes(TileKind::fp8) + kTurnedChunks * block_bytes(Operand::e4m3, kPrefillColumns);

constexpr std::int64_t turned_groups(const ProductTarget& target, int tiles) {
  return pieces_of(pieces_of(target.out_rows, kTileRows), tiles);
}

// Where there are units for all multiprocessors; no stages otherwise.
struct TurnedShape {
  int stages = 0;
  std::int64_t units = 0;
};
TurnedShape turned_shape(const ProductDevice& device, TileKind kind, Operand operand, const ProductWork& work);

struct TurnedLaunch {
  int stages;
  int units;
  int places;  // units of rows that meet the same weights before the next weights come: both stay in the cache
};

// Rows of float32, where the work's targets say.
struct TurnedRowsArgs {
  std::int64_t none = 0;
};
void launch_turned(const ProductDevice& device, const TurnedShape& shape, ProductWork work, Stream stream);

// The targets' outputs side by side, packed for the next product; or SwiGLU of the first target's and the second's.
struct TurnedPackedArgs {
  std::uint8_t* blocks = nullptr;  // [blocks of inputs, chunks]
  std::int64_t chunks = 0;
  float limit = 0.0F;  // SwiGLU's
};
void launch_turned_packed(const ProductDevice& device, const TurnedShape& shape, ProductWork work,
                          const TurnedPackedArgs& args, Stream stream);
void launch_turned_swiglu(const ProductDevice& device, const TurnedShape& shape, ProductWork work,
                          const TurnedPackedArgs& args, Stream stream);

// Heads of 512 outputs, as launch_rounded_queries (new_rows.h) makes them.
struct TurnedQueriesArgs {
  const float* cosine = nullptr;  // [rows, 32]
  const float* sine = nullptr;    // [rows, 32]
  std::uint32_t* out = nullptr;   // [rows, heads, 256] pairs
  float4* kept = nullptr;         // [multiprocessors, kTurnedKept] between a head's two units
  std::int64_t heads = 0;
  float eps = 0.0F;
};
inline constexpr std::int64_t kTurnedKept = 36 * kTurnedConsumers;
void launch_turned_queries(const ProductDevice& device, const TurnedShape& shape, ProductWork work,
                           const TurnedQueriesArgs& args, Stream stream);

}  // namespace fathom::cuda
