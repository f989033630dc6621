// Entries that a step's lone tokens complete, beside their queries and keys: pooled, normed, turned and stored.
#pragma once

#include "fathom/backends/cuda/kernels/pool.h"

namespace fathom::cuda {

inline constexpr std::int64_t kMostCompletedDim = 512;
inline constexpr int kMostCompletions = 2;  // of a launch

// A compressor's step whose runs have a token each. Fields without padding: launch.cuh says why.
struct EntryCompletion {
  GatedPoolKernel pool;  // runs with rings of both tails and with pages; out is not written
  const float* weight;   // [dim], of the norm
  const float* cosine;   // [entries, pairs]
  const float* sine;     // [entries, pairs]
  std::int64_t pairs;
  std::int64_t row_bytes;  // as stored
  int released;            // storage
  int nope;                // of an entry
  float eps;
  float scale;  // of the Hadamard transform, through which the indexer's keys go; 0: an entry
};

struct EntryCompletions {
  EntryCompletion of[kMostCompletions] = {};
  std::int64_t count = 0;
};

// Whether rows of an entry are few enough to be pooled by a thread a column.
bool pools_few(std::int64_t ratio, bool overlap);

}  // namespace fathom::cuda
