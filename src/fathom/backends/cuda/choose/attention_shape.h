// How sparse attention is cut for the device. Which method runs depends on the format, the products' mode and the
// device alone; all else decides speed alone, and no bit (docs/invariance.md).
#pragma once

#include <array>
#include <cstdint>

#include "fathom/ops/cache_format.h"

namespace fathom::cuda {

inline constexpr std::int64_t kTiledHeadDim = 512;  // what the matrix units' kernel is written for: the released shape
inline constexpr std::int64_t kTiledRopeDim = 64;
inline constexpr std::int64_t kTileKeys = 64;  // that have a softmax of their own

inline constexpr std::int64_t kWarpgroupHeads = 64;  // of a block of warpgroups

inline constexpr std::int64_t kFewHeads = 16;  // of one where there are multiprocessors to spare

// Tiles that a cluster of blocks joins in its shared memory, and the sizes of clusters that a device is asked about.
inline constexpr std::int64_t kMostClusterTiles = 16;
inline constexpr std::int64_t kClusterStep = 4;

inline constexpr std::int64_t kTiledSharedBytes = 134 * 1024;  // what that kernel asks a device for
inline constexpr std::int64_t kWarpgroupSharedBytes = 227 * 1024;

// chains: every sum in the released order. tiles: on matrix units, queries in three bfloat16 parts, weights in two.
// warpgroups: on those of capability 9.0, queries and weights in one.
enum class AttentionMethod : std::int32_t { chains, tiles, warpgroups };

struct DeviceSize {
  std::int64_t multiprocessors = 0;
  std::int64_t shared_bytes = 0;  // that a block may have
  int capability = 0;             // its code's (kernels/probe.h)
  // Clusters of 4, 8, 12 and 16 tiles that find room at once.
  std::array<int, kMostClusterTiles / kClusterStep> attention_clusters = {};
};

// Whether attention at the released shape is rounded as released where that is asked for.
bool has_warpgroups(const DeviceSize& device);

struct AttentionSize {
  EntryFormat format;
  bool rounded = false;  // queries and weights to bfloat16, as released, where that is faster
  std::int64_t tokens = 0;
  std::int64_t heads = 0;
  std::int64_t most_keys = 0;  // of any token
  std::int64_t own_rows = 0;   // window rows and entries of all runs, without the step's own
};

struct AttentionShape {
  AttentionMethod method = AttentionMethod::chains;
  std::int32_t split = 0;                      // 1: not of chains: a block for each tile, and a kernel that joins them
  std::int64_t large_tiles = 0;                // 1: chains: several heads and keys a thread
  std::int64_t block_heads = kWarpgroupHeads;  // of split warpgroups: fewer where blocks are few
  // Of warpgroups: keys widened for the whole step before, each once. 0: where they are multiplied.
  std::int64_t widened_rows = 0;
  // Of split warpgroups of few heads: all tiles of a query, which a cluster joins. 0: a second kernel does.
  std::int64_t cluster = 0;
  std::int64_t tokens = 0;  // of one launch, so that what lies between kernels fits its scratch
  std::int64_t floats = 0;  // of that scratch
};
AttentionShape attention_shape(const AttentionSize& size, const DeviceSize& device);

}  // namespace fathom::cuda
