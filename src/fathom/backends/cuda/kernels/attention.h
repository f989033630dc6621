// Sparse attention over the window and the compressed entries.
#pragma once

#include "fathom/backends/cuda/choose/attention_shape.h"
#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/backends/cuda/staging/placed_runs.h"
#include "fathom/ops/cache_format.h"

namespace fathom::cuda {

enum class KeyChoice : std::uint8_t { window, window_and_all, window_and_selected };

// What follows where tiles are joined, in the same launch: values turn back at their queries' positions, and the step's
// rows, which nobody has to look past any more, go into the windows' rings.
struct AttentionEnd {
  const float* cosine = nullptr;  // [tokens, pairs], or null: nothing follows
  const float* sine = nullptr;
};

struct AttentionKernel {
  EntryFormat format;
  const float* q;          // [tokens, heads, head_dim]
  const std::byte* fresh;  // [tokens, row_bytes]
  const float* sink;       // [heads]
  float* out;              // [tokens, heads, head_dim]
  std::int64_t heads;
  std::int64_t window;
  KeyChoice choice;
  std::int64_t ratio;
  const std::int32_t* selected;  // [tokens, top_k]
  std::int64_t top_k;
  float scale;
  PlacedRuns runs;  // ring: the window's; pages: the entries'
  std::int64_t first;
  std::int64_t count;  // tokens of this launch
  float* scores;       // shape.floats of scratch; of chains [count, heads, score_step]
  std::int64_t score_step;
  AttentionShape shape;
  Fault* fault;
  AttentionEnd end = {};
};

// Every sum in the released order, whatever the storage and the shape: scores, weights, values, a kernel each.
void launch_attention_chains(const AttentionKernel& args, Stream stream);
// On matrix units, for the released storage and shape: tiles of keys, each with a softmax of its own, joined in order.
void launch_attention_tiles(const AttentionKernel& args, Stream stream);
// The same by warpgroups of capability 9.0, with queries and weights rounded to bfloat16 as released.
void launch_attention_warpgroups(const AttentionKernel& args, Stream stream);

// Clusters of so many tiles of attention_cluster.cuh that find room on the device at once.
int attention_clusters_with_room(int tiles);

}  // namespace fathom::cuda
