// Which part of a launch a thread block works on.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/product_work.h"

namespace fathom::cuda {

// Two tiles of rows by some chunks.
struct ProductUnit {
  const std::uint8_t* tiles[2];  // the second is the first where there is none
  const std::uint8_t* x;         // its chunks of the first block of inputs
  const float* own_rows;
  int first_row;  // of the packed rows
  float* out;     // of the unit's first row of activations and first of 128 outputs
  std::int64_t row_stride;
  int first_output;  // of the 128
  int last_output;
  int rows;
  bool adds;
  bool even = false;  // FP4: both tiles are, in all their blocks (product_layout.h)
  bool exists = false;

  __device__ bool holds(int output) const { return output >= first_output && output < last_output; }
  __device__ void put(std::int64_t row, int output, float value) const {
    float& place = out[row * row_stride + output];
    place = adds ? place + value : value;
  }
};

struct ProductShape {
  int tile_bytes;
  int block_bytes;
  int chunk_rows;
};

// kAtOnce: an item is fetched beside their count, not behind it. FP4's kernel of many rows beside e4m3 has no register
// for that: the compiler would let its products wait for one another (C7511).
template <bool kAtOnce>
__device__ inline ProductUnit product_unit(const ProductWork& work, const ProductShape& shape, int unit) {
  int pair = unit % work.pairs;
  const int place = unit / work.pairs;
  int target = 0;
  while (target + 1 < work.target_count && pair >= work.targets[target + 1].first_pair) ++target;
  const ProductTarget& to = work.targets[target];
  pair -= to.first_pair;
  ExpertItem item{0, place * work.group_chunks, work.group_chunks * shape.chunk_rows};
  if (work.items != nullptr) {
    // Not through the first-level cache, which may hold those of the layer before: see items_known. There is room for
    // as many as are looked at.
    const int count = __ldcg(work.item_count);
    if (!kAtOnce && place >= count) return {};
    const ExpertItem& there = work.items[place];
    item = {__ldcg(&there.expert), __ldcg(&there.first_chunk), __ldcg(&there.rows)};
    if (kAtOnce && place >= count) return {};
  } else {
    item.rows = min(item.rows, work.rows - item.first_chunk * shape.chunk_rows);
  }
  const std::uint8_t* tiles = work.items != nullptr ? to.expert_tiles[item.expert] : to.tiles;
  const std::int64_t tile_row = std::int64_t{work.weight_blocks} * shape.tile_bytes;
  ProductUnit result = {};
  result.tiles[0] = tiles + 2 * pair * tile_row;
  result.tiles[1] = result.tiles[0] + ((2 * pair + 1) * kTileRows < to.out_rows ? tile_row : 0);
  result.x = to.x + std::int64_t{item.first_chunk} * shape.block_bytes;
  result.own_rows = to.rows;
  result.first_row = item.first_chunk * shape.chunk_rows;
  result.out =
      to.out + std::int64_t{item.first_chunk} * shape.chunk_rows * to.row_stride + 2 * pair * kTileRows - to.skipped;
  result.row_stride = to.row_stride;
  result.first_output = to.skipped - 2 * pair * kTileRows;
  result.last_output = to.out_rows - 2 * pair * kTileRows;
  result.rows = item.rows;
  result.adds = work.adds != 0;
  result.exists = true;
  return result;
}

}  // namespace fathom::cuda
