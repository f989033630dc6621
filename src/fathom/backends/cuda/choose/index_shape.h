// How the indexer's scores and its choice are cut for the device. Numbers decide speed alone: a score is one thread's
// chain, a choice is exact.
#pragma once

#include <cstdint>

namespace fathom::cuda {

inline constexpr std::int64_t kScoreTileKeys = 256;  // a block's keys at a time, a thread each
inline constexpr std::int64_t kFewTileKeys = 32;     // of a block whose warps share the heads
inline constexpr std::int64_t kTopKPart = 8192;      // ranks that one block holds in shared memory
inline constexpr std::int64_t kMostTopK = 2048;

struct IndexScoreShape {
  std::int64_t tokens = 0;            // of one launch, so that scores fit their scratch
  std::int64_t blocks_per_token = 0;  // that share a token's tiles of keys
  std::int64_t shares_heads = 0;      // 1: few tiles, so that a block takes 32 keys and its warps share the heads
};
IndexScoreShape index_score_shape(std::int64_t tokens, std::int64_t most_visible, std::int64_t multiprocessors);

// Ranks that one level of the choice leaves of `count`: each part its best.
constexpr std::int64_t top_k_candidates(std::int64_t count, std::int64_t top_k) {
  const std::int64_t rest = count % kTopKPart;
  return count / kTopKPart * top_k + (rest < top_k ? rest : top_k);
}

// Levels until one part holds all.
constexpr std::int64_t top_k_levels(std::int64_t count, std::int64_t top_k) {
  std::int64_t levels = 1;
  for (; count > kTopKPart; count = top_k_candidates(count, top_k)) ++levels;
  return levels;
}

}  // namespace fathom::cuda
