// The gate's choice of experts.
#pragma once

#include "fathom/backends/cuda/kernels/launching.h"

namespace fathom::cuda {

struct RouteKernel {
  const float* logits;       // [tokens, experts]
  const float* bias;         // [experts]; null in hash layers
  const std::int32_t* hash;  // [vocab, selected]; null in scored layers
  const std::int32_t* ids;   // [tokens], of hash layers
  std::int32_t* selected;    // [tokens, selected]
  float* weights;            // [tokens, selected]
  std::int64_t tokens;
  std::int64_t experts;
  std::int64_t chosen;
  float route_scale;
  Fault* fault;
};
void launch_route(const RouteKernel& args, Stream stream);

}  // namespace fathom::cuda
