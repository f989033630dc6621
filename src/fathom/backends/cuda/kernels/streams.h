// Hyper-connections: the gates of a token, and the mixing of its streams.
#pragma once

#include "fathom/backends/cuda/kernels/expert_plan.h"
#include "fathom/backends/cuda/kernels/launching.h"

namespace fathom::cuda {

inline constexpr std::int64_t kMostStreams = 8;  // a thread holds a channel of all of them

struct GatesKernel {
  const float* x;      // [tokens, streams, channels]
  const float* mix;    // [tokens, (2 + streams) * streams]
  const float* scale;  // [3]
  const float* base;   // [(2 + streams) * streams]
  float* pre;          // [tokens, streams]
  float* post;         // [tokens, streams]
  float* comb;         // [tokens, streams, streams]
  std::int64_t tokens;
  std::int64_t streams;
  std::int64_t channels;
  std::int64_t iterations;
  float eps;
  float norm_eps;
};
void launch_gates(const GatesKernel& args, Stream stream);

struct HeadGatesKernel {
  const float* x;      // [tokens, streams, channels]
  const float* mix;    // [tokens, streams]
  const float* scale;  // [1]
  const float* base;   // [streams]
  float* pre;          // [tokens, streams]
  std::int64_t tokens;
  std::int64_t streams;
  std::int64_t channels;
  float eps;
  float norm_eps;
};
void launch_head_gates(const HeadGatesKernel& args, Stream stream);

struct CollapseKernel {
  const float* x;    // [tokens, streams, channels]
  const float* pre;  // [tokens, streams]
  float* out;        // [tokens, channels]
  std::int64_t tokens;
  std::int64_t streams;
  std::int64_t channels;
};
void launch_collapse(const CollapseKernel& args, Stream stream);

struct ExpandKernel {
  const float* y;     // [tokens, channels]
  const float* post;  // [tokens, streams]
  const float* comb;  // [tokens, streams, streams]
  float* x;           // [tokens, streams, channels]
  std::int64_t tokens;
  std::int64_t streams;
  std::int64_t channels;
  ExpertSum before = {};  // rows null: none; y comes on top of each token's sum
};
// Whether an expansion can sum experts' slots.
bool expand_sums(const ExpandKernel& args);
void launch_expand(const ExpandKernel& args, Stream stream);

}  // namespace fathom::cuda
