// What a block of attention_widened.cu takes, token after token: its heads, and where its keys, queries and values lie.
#pragma once

#include "fathom/backends/cuda/kernels/attention_block.cuh"
#include "fathom/backends/cuda/kernels/attention_widened.h"

namespace fathom::cuda {

#ifdef FATHOM_WARPGROUP_PRODUCTS

// A key's row among all: what was read to find it is looked at when the row is sent for.
struct KeyPlace {
  int entry;
  int first_row;
  int limit;  // of entries that there are

  __device__ int row() const {
    return static_cast<unsigned>(entry) < static_cast<unsigned>(limit) ? first_row + entry : -1;
  }
};

// The tokens that a block takes, and the heads.
class BlockTokens {
 public:
  __device__ explicit BlockTokens(const WidenedAttention& args) : args_(args) {}

  __device__ static int first() { return static_cast<int>(blockIdx.x); }
  __device__ static int next(int token) { return token + static_cast<int>(gridDim.x); }
  __device__ bool is_one(int token) const { return token < static_cast<int>(args_.tokens); }

  __device__ static int first_head() { return static_cast<int>(blockIdx.y) * kBlockHeads; }
  __device__ int heads() const { return min(kBlockHeads, static_cast<int>(args_.attention.heads) - first_head()); }

  __device__ int count(int token) const { return args_.keys[token].count; }
  __device__ int tiles(int token) const { return is_one(token) ? tiles_of(count(token)) : 0; }
  __device__ static int tiles_of(int count) { return max(1, (count + kKeys - 1) / kKeys); }

  __device__ KeyPlace place(int token, int key) const {
    constexpr int kAny = 0x7fffffff;
    const auto* stored = reinterpret_cast<const int4*>(&args_.keys[token]);
    const int4 window = stored[0];  // plain loads: the kernel before this one wrote them
    const int4 entries = stored[1];
    if (key >= entries.z) return {0, 0, 0};
    if (key < window.w) return {key < window.y ? window.x + key : window.z + key - window.y, 0, kAny};
    const int entry = key - window.w;
    if (args_.attention.choice != KeyChoice::window_and_selected) return {entry, entries.x, kAny};
    return {args_.attention.selected[token * args_.attention.top_k + entry], entries.x, entries.y};
  }

  __device__ const float* queries(int token) const {
    return args_.attention.q + (token * args_.attention.heads + first_head()) * kDim;
  }
  __device__ const std::byte* rounded_queries(int token) const {
    return reinterpret_cast<const std::byte*>(args_.queries + (token * args_.attention.heads + first_head()) * kDim);
  }
  __device__ float* values(int token) const {
    return args_.attention.out + (token * args_.attention.heads + first_head()) * kDim;
  }

 private:
  const WidenedAttention& args_;
};

#endif

}  // namespace fathom::cuda
