// Queries and keys on their way to attention, a warp a row: what rows.h and cache_rows.h do in several kernels.
#pragma once

#include "fathom/backends/cuda/kernels/entry_completion.h"
#include "fathom/backends/cuda/kernels/index.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/ops/cache_format.h"

namespace fathom::cuda {

inline constexpr std::int64_t kMostNewRowDim = 1024;

// RMSNorm, rotation, and the encoded row where one is wanted.
struct NormRotateKernel {
  float* x;             // [rows, heads, head_dim]
  const float* weight;  // [head_dim], or null
  const float* cosine;  // [rows, pairs]
  const float* sine;    // [rows, pairs]
  std::byte* encoded;   // [rows, row_bytes] of one head each, or null
  EntryFormat format;
  std::int64_t rows;
  std::int64_t heads;
  std::int64_t head_dim;
  std::int64_t pairs;
  float eps;
};
void launch_norm_rotate(const NormRotateKernel& args, Stream stream);
// Queries without a weight and keys that are encoded, where they are few; keys' x is left as it was.
bool norm_rotate_takes_both(const NormRotateKernel& queries, const NormRotateKernel& keys);
// With completions of as many runs as keys, of a token each.
void launch_norm_rotate_both(const NormRotateKernel& queries, const NormRotateKernel& keys,
                             const EntryCompletions& completions, Stream stream);

// Queries without a weight, normed and turned, rounded to bfloat16: rows of 512 whose last 64 columns turn.
struct RoundedQueriesKernel {
  NormRotateKernel queries;  // x stays
  std::uint32_t* out;        // [rows, heads, head_dim / 2] pairs
};
bool fits_rounded_queries(const NormRotateKernel& queries);
void launch_rounded_queries(const RoundedQueriesKernel& args, Stream stream);

// Rotation, Hadamard, and the grid of the index keys where they are stored so.
struct IndexQueriesKernel {
  float* x;             // [rows, heads, index_dim]
  const float* cosine;  // [rows, pairs]
  const float* sine;    // [rows, pairs]
  bool rounded;
  std::int64_t rows;
  std::int64_t heads;
  std::int64_t index_dim;  // a power of two
  std::int64_t pairs;
  float scale;              // 1 / sqrt(index_dim)
  IndexQueryCodes encoded;  // null unless index_queries_encode
};
// Whether launch_index_queries writes codes too.
bool index_queries_encode(const float* x, std::int64_t index_dim);
void launch_index_queries(const IndexQueriesKernel& args, Stream stream);

}  // namespace fathom::cuda
