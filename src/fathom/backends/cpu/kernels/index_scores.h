// Scores of up to sixteen index keys for several queries.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fathom/ops/cache_format.h"
#include "fathom/tensor/arena.h"

namespace fathom {

// scores[query][key] = sum over heads ascending of weights[head] * relu(q[head] . key): one chain over index_dim for
// each product, one over heads for the score.
struct IndexScoresPiece {
  IndexKeyFormat format;
  std::int64_t heads = 0;
  std::int64_t queries = 0;
  const float* q = nullptr;                // [queries, heads, index_dim]
  const float* weights = nullptr;          // [queries, heads]
  std::int64_t keys = 0;                   // 1 to 16
  const std::byte* const* rows = nullptr;  // [keys], stored
  float* scores = nullptr;                 // [queries, score_step], keys of them written
  std::int64_t score_step = 0;
};

void index_scores_piece(const IndexScoresPiece& piece, Arena& scratch);

}  // namespace fathom
