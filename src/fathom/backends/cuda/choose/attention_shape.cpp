#include "fathom/backends/cuda/choose/attention_shape.h"

#include <algorithm>

namespace fathom::cuda {
namespace {

constexpr std::int64_t kMostFloats = std::int64_t{1} << 25;       // 128 MiB of scratch
constexpr std::int64_t kMostWidenedRows = std::int64_t{1} << 18;  // 256 MiB of scratch
constexpr std::int64_t kUsesOfARow = 2;                           // at least, for it to be widened before
constexpr std::int64_t kLargeTile = 32;                           // heads, and keys
constexpr std::int64_t kBlockHeads = 16;                          // of the tiled kernel

std::int64_t pieces_of(std::int64_t size, std::int64_t piece) { return (size + piece - 1) / piece; }

// Tokens whose `each` floats fit the scratch.
std::int64_t tokens_of(const AttentionSize& size, std::int64_t each) {
  return std::clamp<std::int64_t>(kMostFloats / std::max<std::int64_t>(each, 1), 1,
                                  std::max<std::int64_t>(size.tokens, 1));
}

AttentionMethod method_of(const AttentionSize& size, const DeviceSize& device) {
  const bool released = size.format.storage == CacheStorage::released && size.format.head_dim == kTiledHeadDim &&
                        size.format.rope_dim == kTiledRopeDim;
  if (!released || device.shared_bytes < kTiledSharedBytes) return AttentionMethod::chains;
  return size.rounded && has_warpgroups(device) ? AttentionMethod::warpgroups : AttentionMethod::tiles;
}

std::int64_t widened_rows_of(const AttentionSize& size) {
  const std::int64_t rows = size.tokens + size.own_rows;
  return rows <= kMostWidenedRows && kUsesOfARow * rows <= size.tokens * size.most_keys ? rows : 0;
}

// Tiles of a cluster where all clusters find room at once.
std::int64_t cluster_of(const AttentionSize& size, const AttentionShape& shape, const DeviceSize& device) {
  const std::int64_t tiles = pieces_of(size.most_keys, kTileKeys);
  if (shape.method != AttentionMethod::warpgroups || !shape.split || shape.block_heads != kFewHeads || tiles == 0 ||
      tiles > kMostClusterTiles)
    return 0;
  const auto step = static_cast<std::size_t>((tiles - 1) / kClusterStep);
  const std::int64_t clusters = size.tokens * pieces_of(size.heads, kFewHeads);
  return clusters <= device.attention_clusters[step] ? tiles : 0;
}

}  // namespace

bool has_warpgroups(const DeviceSize& device) {
  return device.capability == 90 && device.shared_bytes >= kWarpgroupSharedBytes;
}

AttentionShape attention_shape(const AttentionSize& size, const DeviceSize& device) {
  AttentionShape shape;
  shape.method = method_of(size, device);
  if (shape.method != AttentionMethod::chains) {
    const std::int64_t block_heads = shape.method == AttentionMethod::tiles ? kBlockHeads : kWarpgroupHeads;
    // Tokens and heads alone fill the device twice over: nothing need lie between kernels.
    shape.split = size.tokens * pieces_of(size.heads, block_heads) < 2 * device.multiprocessors ? 1 : 0;
    if (shape.method == AttentionMethod::warpgroups && !shape.split) shape.widened_rows = widened_rows_of(size);
    const std::int64_t tiles = pieces_of(size.most_keys, kTileKeys);
    if (size.tokens * tiles * pieces_of(size.heads, kFewHeads) <= device.multiprocessors) shape.block_heads = kFewHeads;
    shape.cluster = cluster_of(size, shape, device);
    const std::int64_t each = tiles * size.heads * (kTiledHeadDim + 2);
    shape.tokens = shape.split ? tokens_of(size, each) : std::max<std::int64_t>(size.tokens, 1);
    shape.floats = shape.split ? shape.tokens * each : 0;
    return shape;
  }
  const std::int64_t each = size.heads * size.most_keys;
  shape.tokens = tokens_of(size, each);
  shape.floats = shape.tokens * each;
  const std::int64_t tiles = shape.tokens * pieces_of(size.heads, kLargeTile) * pieces_of(size.most_keys, kLargeTile);
  shape.large_tiles = tiles >= 2 * device.multiprocessors ? 1 : 0;
  return shape;
}

}  // namespace fathom::cuda
