// What a launch of products is to do, as the kernels read it.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "fathom/backends/cuda/kernels/awaited_row.h"
#include "fathom/backends/cuda/kernels/product_layout.h"

namespace fathom::cuda {

inline constexpr int kMaxTargets = 16;

// Rows [first_chunk * rows of a chunk, + rows) of the packed activations meet one expert.
struct ExpertItem {
  int expert;
  int first_chunk;
  int rows;
};

// Rows that a product of few rows packs itself (pack_rows.cu would do the same, in a launch of its own): a target's
// `rows`, or SwiGLU of them as gates, or rows normed (rms_norm).
struct OwnRows {
  const float* up = nullptr;
  const float* norm = nullptr;          // [in]
  const float* weights = nullptr;       // by slot
  const std::int32_t* slots = nullptr;  // [packed rows] slot of each; null: its own number
  std::int64_t row_stride = 0;
  int slots_of_row = 1;  // the row of x is slot / slots_of_row
  int in = 0;
  float limit = 0.0F;       // of SwiGLU; a norm's eps
  int aligned = 0;          // 1: four floats at once
  AwaitedRow awaited = {};  // the one row, of so many channels, in the place of the targets'
};

// One weight and where its product goes. A chunk is as many columns of packed activations as a block has.
struct ProductTarget {
  const std::uint8_t* tiles = nullptr;                // [row_tiles, weight_blocks] tiles
  const std::uint8_t* const* expert_tiles = nullptr;  // [experts], in the place of `tiles`
  const std::uint8_t* x = nullptr;                    // [x_blocks, x_chunks] blocks; null: the product packs
  const float* rows = nullptr;                        // then these
  float* out = nullptr;                               // [rows, out_rows], row_stride apart
  std::int64_t row_stride = 0;
  int out_rows = 0;    // of the tiles
  int skipped = 0;     // first outputs of the tiles that belong to another target; `out` begins at the next
  int first_pair = 0;  // pairs of row tiles before this target
};

struct ProductWork {
  ProductTarget targets[kMaxTargets];
  int target_count = 0;
  int pairs = 0;              // pairs of row tiles of all targets
  int weight_blocks = 0;      // tiles along the inputs
  int parts = 1;              // tiles that meet the same block of activations
  int rows = 0;               // of every target, without experts
  int group_chunks = 1;       // chunks that one unit of work takes at most
  std::int64_t x_chunks = 0;  // of the packed rows of every target
  std::int64_t adds = 0;      // 1: to what is in `out`; no bool, see launch.cuh
  OwnRows own = {};
  const ExpertItem* items = nullptr;
  const int* item_count = nullptr;
  std::int64_t experts = 0;  // of the targets' tables
  // 1: they were written ahead of the launch before w2's, w1's and w3's, none of whose blocks lets a later kernel begin
  // before it has waited for them. So weights may be sent for while that launch still runs, and one that packs between.
  std::int64_t items_known = 0;
  // Of what will be multiplied next: into the second-level cache, while this launch waits for its rows. Pieces of 16
  // bytes.
  const std::uint8_t* next = nullptr;
  std::int64_t next_bytes = 0;
  // Of a launch that leaves no floats: its results as rows of the next product, a block for every 128 outputs.
  std::uint8_t* packed = nullptr;
};

}  // namespace fathom::cuda
