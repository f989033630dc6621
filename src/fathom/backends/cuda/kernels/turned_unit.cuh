// Which part of a turned product a thread block works on: 128 rows by 256 outputs.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/turned_launch.h"

namespace fathom::cuda {

// A thread's sums of each tile: [4 i + 2 half + c] is its row g + 8 half, the tile's output 8 i + 2 t + c.
inline constexpr int kTurnedSums = kTileRows / 2;
using TurnedTotals = float[kTurnedTiles][kTurnedSums];

struct TurnedUnit {
  const std::uint8_t* tiles[2];  // the first two and the others
  const std::uint8_t* x;         // its chunks of the first block of inputs
  float* out;                    // of its first row and its first tile's first output
  std::int64_t row_stride;
  int group;  // of all targets' groups of tiles
  int tile_count;
  int first_chunk;
  int chunks;
  int first_output;  // of the 256
  int last_output;
  int rows;
  int exists;  // 0 behind the last

  __device__ bool is_whole() const {
    return first_output <= 0 && last_output >= kTurnedTiles * kTileRows && row_stride % 2 == 0 &&
           reinterpret_cast<std::uintptr_t>(out) % sizeof(float2) == 0;
  }
};

// The first of a thread's two rows among the unit's 128; the second is eight further. And the first of its outputs.
__device__ inline int turned_row() {
  return static_cast<int>(threadIdx.x) / 32 * 16 + static_cast<int>(threadIdx.x) % 32 / 4;
}
__device__ inline int turned_quarter() { return static_cast<int>(threadIdx.x) % 4; }

// work.pairs and first_pair count groups of tiles here (turned_product.cu). With kTwoWeights a group is two tiles of
// each of two targets.
template <bool kTwoWeights>
__device__ inline TurnedUnit turned_unit(const ProductWork& work, int group, int place) {
  int target = 0;
  if constexpr (!kTwoWeights)
    while (target + 1 < work.target_count && group >= work.targets[target + 1].first_pair) ++target;
  const ProductTarget& to = work.targets[target];
  const int tile = (group - to.first_pair) * (kTwoWeights ? kTurnedTiles / 2 : kTurnedTiles);
  const std::int64_t tile_row = std::int64_t{work.weight_blocks} * tile_bytes(TileKind::fp8);
  const int chunk = place * kTurnedChunks;
  const int row = chunk * kPrefillColumns;
  return {
      .tiles = {to.tiles + tile * tile_row,
                kTwoWeights ? work.targets[1].tiles + tile * tile_row : to.tiles + (tile + 2) * tile_row},
      .x = to.x + std::int64_t{chunk} * block_bytes(Operand::e4m3, kPrefillColumns),
      .out = to.out + row * to.row_stride + tile * kTileRows - to.skipped,
      .row_stride = to.row_stride,
      .group = group,
      .tile_count = kTwoWeights ? kTurnedTiles : min(kTurnedTiles, (to.out_rows + kTileRows - 1) / kTileRows - tile),
      .first_chunk = chunk,
      .chunks = min(kTurnedChunks, static_cast<int>(work.x_chunks) - chunk),
      .first_output = to.skipped - tile * kTileRows,
      .last_output = to.out_rows - tile * kTileRows,
      .rows = work.rows - row,
      .exists = 1};
}

// Units that run at the same time meet the same weights and the same rows.
template <typename End>
__device__ inline TurnedUnit turned_unit(const ProductWork& work, const TurnedLaunch& launch, int index) {
  const int item = index / End::kParts;
  const int of_group = launch.places * (work.pairs / End::kParts);
  const int first = item / of_group * launch.places;
  const int places = min(launch.places, launch.units / work.pairs - first);
  const int within = item % of_group;
  return turned_unit<End::kTwoWeights>(work, within / places * End::kParts + index % End::kParts,
                                       first + within % places);
}

}  // namespace fathom::cuda
