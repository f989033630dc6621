#include "fathom/backends/cuda/choose/index_shape.h"

#include <algorithm>

namespace fathom::cuda {
namespace {

constexpr std::int64_t kMostScores = std::int64_t{1} << 25;  // 128 MiB of scratch
constexpr std::int64_t kBlocksPerMultiprocessor = 4;

}  // namespace

IndexScoreShape index_score_shape(std::int64_t tokens, std::int64_t most_visible, std::int64_t multiprocessors) {
  const std::int64_t visible = std::max<std::int64_t>(most_visible, 1);
  const std::int64_t some = std::clamp<std::int64_t>(kMostScores / visible, 1, std::max<std::int64_t>(tokens, 1));
  const std::int64_t tiles = (visible + kScoreTileKeys - 1) / kScoreTileKeys;
  const std::int64_t wanted = (kBlocksPerMultiprocessor * multiprocessors + some - 1) / some;
  if (some * tiles < multiprocessors) {
    const std::int64_t small = (visible + kFewTileKeys - 1) / kFewTileKeys;
    return {.tokens = some, .blocks_per_token = std::clamp<std::int64_t>(wanted, 1, small), .shares_heads = 1};
  }
  return {.tokens = some, .blocks_per_token = std::clamp<std::int64_t>(wanted, 1, tiles), .shares_heads = 0};
}

}  // namespace fathom::cuda
