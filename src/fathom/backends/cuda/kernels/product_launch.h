// How a product is launched: chosen on the host from shapes alone, then launched by the kernel's own unit.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstdint>

#include "fathom/backends/cuda/kernels/product_work.h"
#include "fathom/backends/cuda/kernels/products.h"

namespace fathom::cuda {

struct DecodeShape {
  int stages = 0;
  int cluster = 1;
  int kept_rows = 0;   // rows of a chunk whose sums a cluster keeps
  int own_blocks = 0;  // of rows that a thread block packs itself; 0: they come packed
  int keepers = 1;     // blocks of a cluster that keep sums, each of its share of the outputs
  int sent_for = 0;    // blocks of inputs behind the stages' that come into the second-level cache ahead of the rows
  int pace = 0;        // cycles in which the bus brings a block of inputs to all; 0: all are sent for at once
};

struct PrefillShape {
  int stages = 0;
  int chunks = 1;        // of a unit at most
  int last_columns = 0;  // that an expert's last unit takes at most
};

inline constexpr int kMostStages = 8;

// Of rows that a product norms: channels whose squares a warp sums, and groups of these.
inline constexpr int kNormGroup = 512;
inline constexpr int kMostNormGroups = 4;

inline constexpr int kMostDecodeColumns = 32;
inline constexpr int kOwnColumns = 8;  // of a product that packs its rows

// Blocks of a cluster keep the sums of the 128 outputs, each of its share: the floats from one column to the next, four
// more than it has outputs, so that a warp's eight rows by four columns fall into 32 banks. Behind them lies a barrier.
inline constexpr int kKeptBarrier = 16;  // bytes
constexpr int kept_column(int keepers) { return 128 / keepers + 4; }
constexpr int kept_bytes(Operand operand, const DecodeShape& shape, int blocks) {
  if (shape.cluster == 1) return 0;
  return blocks * shape.kept_rows * columns_of_row(operand) * kept_column(shape.keepers) * 4 + kKeptBarrier;
}
// Thread blocks of a kernel of few columns that a multiprocessor has registers for.
constexpr int resident_blocks(TileKind kind, Operand operand, int columns) {
  const bool three =
      kind == TileKind::fp4 ? columns < 32 : kind == TileKind::fp8 && operand == Operand::e4m3 && columns == 8;
  return three ? 3 : 2;
}
constexpr int decode_stage_bytes(TileKind kind, Operand operand, int columns, bool packs) {
  return 2 * tile_bytes(kind) + (packs ? 0 : block_bytes(operand, columns));
}
// FP4 beside e4m3 keeps its next codes in registers and has none for four chunks: a unit has three, and an expert's
// last one half a chunk more, so that few rows beyond three need no pass of their own.
constexpr bool half_more(TileKind kind, Operand operand) { return kind == TileKind::fp4 && operand == Operand::e4m3; }
constexpr int prefill_stage_bytes(TileKind kind, Operand operand, int chunks) {
  const int at_most = chunks + (half_more(kind, operand) ? 1 : 0);
  return 2 * tile_bytes(kind) + at_most * block_bytes(operand, kPrefillColumns);
}
// Experts' rows leave 9.0's prefill through shared memory beside the stages, four outputs at once (prefill_rows.cuh).
// FP8's warpgroups have no register for it, and turned products of their own.
constexpr bool writes_fours(TileKind kind, Operand operand) {
  return kind == TileKind::fp4 && operand == Operand::e4m3;
}
inline constexpr int kFoursBytes = 10 * 1024;
constexpr int shared_bytes(int stages, int stage_bytes, int kept) { return stages * stage_bytes + kept + 16 * stages; }

// Columns of a block for so many rows.
int block_columns(std::int64_t rows, Operand operand);

// `units` of 128 outputs by a chunk of which `rows` are used at most; `blocks` tiles along the inputs.
struct DecodeSize {
  TileKind kind = TileKind::f16;
  Operand operand = Operand::f16;
  int columns = 0;
  std::int64_t units = 0;
  int blocks = 0;
  std::int64_t rows = 0;
  bool packs = false;  // rows of float32, of eight columns
  // The rows come long after the weights are known: all of these may come ahead, and no short kernel waits behind them.
  bool waits_long = false;
  bool leaves_packed = false;  // its results as rows of another product: one block of a cluster keeps all sums
  int clusters_beside = 0;     // of others in the same launch
  int most_cluster = 8;
};
DecodeShape decode_shape(const ProductDevice& device, const DecodeSize& size);
// Of two products that share a launch, whose clusters are the second's: those hold one unit of the first, or two. All
// blocks find room at once, two to a multiprocessor. No stages: they do not fit.
std::array<DecodeShape, 2> shapes_beside(const ProductDevice& device, const DecodeSize& first,
                                         const DecodeSize& second);
// `chunks` of each pair of row tiles.
PrefillShape prefill_shape(const ProductDevice& device, TileKind kind, Operand operand, std::int64_t pairs,
                           std::int64_t chunks);
// Stages of a kernel that has a multiprocessor to itself.
int prefill_stages(const ProductDevice& device, int stage_bytes, int beside);

// Launches a filled work, whichever kernel the columns ask for; `places` is how many chunks, groups of chunks or items
// there can be.
struct ProductLaunch {
  int capability = 0;
  TileKind kind = TileKind::f16;
  Operand operand = Operand::f16;
  int columns = 0;
  std::int64_t places = 0;
};
// Clusters of so many blocks of products that the current device has room for at once, where each block takes so many
// bytes of shared memory; below 0: it does not say.
int product_clusters_with_room(int cluster, int shared_bytes);
void launch_decode(const ProductLaunch& launch, const ProductWork& work, const DecodeShape& shape, Stream stream);
void launch_prefill(const ProductDevice& device, const ProductLaunch& launch, const ProductWork& work,
                    const PrefillShape& shape, Stream stream);

}  // namespace fathom::cuda
