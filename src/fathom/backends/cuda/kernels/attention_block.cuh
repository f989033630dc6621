// What a block of attention_warpgroups.cu holds in shared memory, and what its four warpgroups do before they part.
#pragma once

#include "fathom/backends/cuda/kernels/attention_join.cuh"
#include "fathom/backends/cuda/kernels/matrix.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/warpgroup_lines.cuh"
#include "fathom/backends/cuda/kernels/warpgroup_registers.cuh"

namespace fathom::cuda {

constexpr int kBlockThreads = 4 * kWarpgroupThreads;
constexpr int kBlockHeads = static_cast<int>(kWarpgroupHeads);
constexpr int kWarps = kWarpgroupThreads / kWarp;  // of a warpgroup
constexpr int kWeighers = 2;                       // warpgroups that bring and weigh keys, each with a tile of its own
constexpr int kLine = 64;                          // values of a line
constexpr int kPieces = 8;                         // of a line, sixteen bytes each
constexpr int kBands = kDim / kLine;               // of columns
constexpr int kBandBytes = kKeys * kLineBytes;     // a band of a tile, or of the queries
constexpr int kCacheLine = 128;
constexpr int kDepth = 16;                         // inputs of a step
constexpr int kWords = kRowBytes / 8;              // of a stored row
constexpr int kOwnRows = kKeys / kWarps;           // of a tile, that a warp brings
constexpr int kRing = 5;                           // rows that a warp has on their way, and the one it decodes

struct BlockShared {
  uint4 queries[kBands][kBlockHeads][kPieces];  // lines of columns
  uint4 keys[kWeighers][kBands][kKeys][kPieces];
  uint4 weights[kKeys / kDepth][kWarpgroupThreads];  // as each thread holds them for a product
  uint2 raw[kWeighers * kWarps][kRing][kWords];      // rows as stored
  float2 shares[kBlockHeads];  // of what was joined and of the tile; behind the last tile what finishes
  float2 joined[kBlockHeads];  // the largest score and the sum of weights so far
  QueryKeys query_keys;
  std::uint64_t keys_free[kWeighers];
  std::uint64_t queries_full;
  std::uint64_t weights_full;
  std::uint64_t weights_free;
  int first_missing;
};

// What a block computes. Tiles count from its first one.
struct BlockWork {
  std::int64_t token;
  std::int64_t first_head;
  std::int64_t end_head;
  int first_key;
  int end_key;

  __device__ int tiles() const { return (end_key - first_key + kKeys - 1) / kKeys; }
};

#ifdef FATHOM_WARPGROUP_PRODUCTS

__device__ inline int warpgroup_id() { return static_cast<int>(threadIdx.x) / kWarpgroupThreads; }
__device__ inline int warp_of_group() { return warp_id() % kWarps; }

// Every warp of a warpgroup holds sixteen heads, a thread two of them.
__device__ inline int head_of_thread(int half) { return warp_of_group() * 16 + lane_id() / 4 + half * 8; }

__device__ inline void prepare_barriers(BlockShared& shared) {
  for (int weigher = 0; weigher < kWeighers; ++weigher)
    barrier_init(shared_address(&shared.keys_free[weigher]), 2 * kWarps);
  barrier_init(shared_address(&shared.queries_full), kBlockThreads / kWarp);
  barrier_init(shared_address(&shared.weights_full), kWarps);
  barrier_init(shared_address(&shared.weights_free), 2 * kWarps);
  fence_barriers();
}

// Of a warp, behind what its lanes wrote or read.
__device__ inline void arrive_warp(std::uint64_t& barrier) {
  __syncwarp();
  if (lane_id() == 0) barrier_arrive(shared_address(&barrier));
}

// The round of a barrier that is used once a tile.
__device__ inline void wait_round(std::uint64_t& barrier, int round) {
  barrier_wait(shared_address(&barrier), static_cast<std::uint32_t>(round) & 1U);
}
// Until the round before is over: the first one begins free.
__device__ inline void wait_free(std::uint64_t& barrier, int round) { wait_round(barrier, round ^ 1); }

// All threads of a warpgroup.
__device__ inline void wait_for_group() {
  asm volatile("bar.sync %0, %1;" ::"r"(1 + warpgroup_id()), "n"(kWarpgroupThreads) : "memory");
}

// The warpgroups that bring keys.
__device__ inline void wait_for_weighers() {
  asm volatile("bar.sync %0, %1;" ::"n"(1 + kWeighers), "n"(kWeighers* kWarpgroupThreads) : "memory");
}

// The queries of the block's heads to bfloat16, by all threads. Heads that are none are zeros.
__device__ inline void load_queries(const AttentionKernel& args, const BlockWork& work, BlockShared& shared) {
  constexpr int kQuads = kBlockHeads * kDim / 4;
  constexpr int kAtOnce = 8;
  static_assert(kQuads % (kAtOnce * kBlockThreads) == 0);
  const float* q = args.q + (work.token * args.heads + work.first_head) * kDim;
  const auto quads = static_cast<int>(min(std::int64_t{kBlockHeads}, work.end_head - work.first_head)) * kDim / 4;
  const bool aligned = aligned_to(q, 16);
#pragma unroll
  for (int first = 0; first < kQuads; first += kAtOnce * kBlockThreads) {
    float4 values[kAtOnce];
#pragma unroll
    for (int turn = 0; turn < kAtOnce; ++turn) {
      const int quad = first + turn * kBlockThreads + static_cast<int>(threadIdx.x);
      values[turn] = make_float4(0.0F, 0.0F, 0.0F, 0.0F);
      if (quad >= quads) continue;
      values[turn] = aligned ? reinterpret_cast<const float4*>(q)[quad]
                             : make_float4(q[4 * quad], q[4 * quad + 1], q[4 * quad + 2], q[4 * quad + 3]);
    }
#pragma unroll
    for (int turn = 0; turn < kAtOnce; ++turn) {
      const int quad = first + turn * kBlockThreads + static_cast<int>(threadIdx.x);
      const int head = quad / (kDim / 4);
      const int piece = quad % (kDim / 4) / 2;
      auto* halves = reinterpret_cast<uint2*>(&shared.queries[piece / kPieces][head][(piece ^ head) % kPieces]);
      halves[quad % 2] = {packed(values[turn].x, values[turn].y), packed(values[turn].z, values[turn].w)};
    }
  }
  show_to_products();
  arrive_warp(shared.queries_full);
}

#endif

}  // namespace fathom::cuda
