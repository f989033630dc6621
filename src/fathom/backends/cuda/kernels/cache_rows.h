// Rows on their way into the cache.
#pragma once

#include <cstddef>

#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/backends/cuda/staging/placed_runs.h"
#include "fathom/ops/cache_format.h"

namespace fathom::cuda {

struct RoundIndexKernel {
  float* x;  // [rows, index_dim]
  std::int64_t rows;
  std::int64_t index_dim;
};
void launch_round_index(const RoundIndexKernel& args, Stream stream);

struct EncodeEntriesKernel {
  EntryFormat format;
  const float* x;   // [rows, head_dim]
  std::byte* rows;  // [rows, row_bytes]
  std::int64_t count;
};
void launch_encode_entries(const EncodeEntriesKernel& args, Stream stream);

struct StoreEntriesKernel {
  EntryFormat format;
  const float* x;  // [new entries, head_dim]
  std::int64_t ratio;
  std::int64_t count;  // new entries
  PlacedRuns runs;     // with pages
};
void launch_store_entries(const StoreEntriesKernel& args, Stream stream);

struct StoreIndexKeysKernel {
  IndexKeyFormat format;
  const float* x;  // [new entries, index_dim]
  std::int64_t ratio;
  std::int64_t count;
  PlacedRuns runs;  // with pages
};
void launch_store_index_keys(const StoreIndexKeysKernel& args, Stream stream);

struct CommitRowsKernel {
  const std::byte* rows;    // [tokens, row_bytes]
  const std::byte* rows_2;  // the same, for the runs' second rings; or null
  std::int64_t tokens;
  std::int64_t row_bytes;
  PlacedRuns runs;  // with rings
};
void launch_commit_rows(const CommitRowsKernel& args, Stream stream);

}  // namespace fathom::cuda
