// Gated pooling, the heart of both compressors.
#pragma once

#include "fathom/backends/cuda/kernels/launching.h"
#include "fathom/backends/cuda/staging/placed_runs.h"

namespace fathom::cuda {

struct GatedPoolKernel {
  const float* kv;    // [tokens, columns]
  const float* gate;  // [tokens, columns]
  const float* ape;   // [ratio, columns]
  float* out;         // [entries, dim]
  std::int64_t ratio;
  std::int64_t columns;  // 2 dim with overlap, else dim
  std::int64_t dim;
  std::int64_t entries;  // that the step completes
  PlacedRuns runs;       // ring: kv, ring_2: gate
};
void launch_gated_pool(const GatedPoolKernel& args, Stream stream);

}  // namespace fathom::cuda
