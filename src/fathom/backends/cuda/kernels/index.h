// The lightning indexer: scores of all visible entries, then the best of them.
#pragma once

#include "fathom/backends/cuda/choose/index_shape.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/backends/cuda/staging/placed_runs.h"
#include "fathom/ops/cache_format.h"

namespace fathom::cuda {

using RankBits = unsigned long long;

// scores[token, entry] = sum_h weights[token, h] * relu(q[token, h] . key[entry]), for tokens [first, first + count)
struct IndexScoresKernel {
  IndexKeyFormat format;
  const float* q;        // [tokens, heads, index_dim]
  const float* weights;  // [tokens, heads]
  std::int64_t heads;
  std::int64_t ratio;
  std::int64_t first;
  std::int64_t count;
  PlacedRuns runs;  // with pages
  float* scores;    // [count, score_step]
  std::int64_t score_step;
  IndexScoreShape shape;
};
void launch_index_scores(const IndexScoresKernel& args, Stream stream);

struct TopKKernel {
  const float* scores;  // [count, score_step]
  std::int64_t score_step;
  std::int64_t ratio;
  std::int64_t first;
  std::int64_t count;
  std::int64_t top_k;
  std::int64_t most_visible;  // of these tokens
  PlacedRuns runs;
  RankBits* candidates[2];      // [count, candidate_step] each, null when one part is enough
  std::int64_t candidate_step;  // most candidates that a level leaves
  std::int32_t* selected;       // [tokens, top_k]
};
void launch_top_k(const TopKKernel& args, Stream stream);

}  // namespace fathom::cuda
