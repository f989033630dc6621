#include "fathom/backends/cuda/choose/attention_shape.h"

#include <algorithm>

namespace fathom::cuda {
namespace {

constexpr std::int64_t kMostScores = std::int64_t{1} << 25;  // 128 MiB of scratch
constexpr std::int64_t kLargeTile = 32;                      // heads, and keys

}  // namespace

AttentionShape attention_shape(const AttentionSize& size, std::int64_t multiprocessors) {
  const std::int64_t scores = std::max<std::int64_t>(size.heads * size.most_keys, 1);
  const std::int64_t tokens = std::clamp<std::int64_t>(kMostScores / scores, 1, std::max<std::int64_t>(size.tokens, 1));
  const std::int64_t tiles =
      tokens * ((size.heads + kLargeTile - 1) / kLargeTile) * ((size.most_keys + kLargeTile - 1) / kLargeTile);
  return {.tokens = tokens, .large_tiles = tiles >= 2 * multiprocessors};
}

}  // namespace fathom::cuda
