// The lightning indexer: scores of all visible entries, then the best of them.
#pragma once

#include "fathom/backends/cuda/choose/index_shape.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/backends/cuda/staging/placed_runs.h"
#include "fathom/ops/cache_format.h"

namespace fathom::cuda {

using RankBits = unsigned long long;

// Queries on FP4's grid, of the kernel that put them there (new_rows.h).
struct IndexQueryCodes {
  signed char* codes;      // [tokens, heads, index_dim], doubled values; null: queries are encoded where they are read
  float* scales;           // [tokens, heads, index_dim / 32], of doubled queries and doubled keys
  std::int32_t* off_grid;  // [tokens, heads], 1: the head has values that are no codes
};
// Whether launch_index_scores takes them, keys being few.
bool index_scores_take_codes(const IndexKeyFormat& format, std::int64_t heads);

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
  IndexQueryCodes encoded;
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
