// Attention on matrix units, for entries in released storage. Stored keys are exact in bfloat16; queries are split into
// three bfloat16 parts, which hold a float32 exactly, weights into two (2^-17 of a weight is lost).
//
// Keys go in tiles of 64, in summation order. A tile has a softmax of its own: its largest score m, the sum l of its
// weights exp(s - m), and their values O. Tiles join in order:
//   M' = max(M, m), a = exp(M - M'), b = exp(m - M'), L' = L a + l b, O' = O a + O_tile b
// and out = O / (L + exp(sink - M)). One block walks through all tiles of a token and 16 heads, or a block takes one
// tile and a second kernel joins them: the same numbers joined by the same function, so that the bits are the same,
// whoever chooses between the two.
#include "fathom/backends/cuda/kernels/attention.h"
#include "fathom/backends/cuda/kernels/attention_tile.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"

namespace fathom::cuda {
namespace {

// How much of what was joined and of the next tile goes on.
struct Shares {
  float old;
  float fresh;
};

__device__ inline Shares join_largest(float& largest, float of_tile) {
  const float next = fmaxf(largest, of_tile);
  const Shares shares = {released_exp(largest - next), released_exp(of_tile - next)};
  largest = next;
  return shares;
}

__device__ inline float joined(Shares shares, float value, float of_tile) {
  return __fmaf_rn(of_tile, shares.fresh, value * shares.old);
}

__device__ inline float finished(float value, float sum, float largest, float sink) {
  return value / (sum + released_exp(sink - largest));
}

// Keys that there are: those of `selected` end at the first that is none. Reports those that nobody may see.
__device__ int count_keys(const AttentionKernel& args, const QueryKeys& keys, int* first_missing) {
  if (keys.selected == nullptr) return static_cast<int>(keys.most);
  const int count = static_cast<int>(keys.most - keys.window_keys);
  if (threadIdx.x == 0) *first_missing = count;
  __syncthreads();
  for (int slot = threadIdx.x; slot < count; slot += kThreads)
    if (keys.selected[slot] < 0) atomicMin(first_missing, slot);
  __syncthreads();
  for (int slot = threadIdx.x; slot < *first_missing; slot += kThreads)
    if (keys.selected[slot] >= keys.visible)
      *args.fault = {FaultCode::invisible_entry, keys.selected[slot], keys.visible};
  return static_cast<int>(keys.window_keys) + *first_missing;
}

// to[head, column] of the warp's columns; `change` turns a value of place 0 (head lane / 4) or 1 (eight heads on).
template <class Change>
__device__ void store_values(float* to, std::int64_t first_head, std::int64_t heads,
                             const float (&values)[kOwnTiles][4], const Change& change) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t head = first_head + lane_id() / 4 + half * 8;
    if (head >= heads) continue;
#pragma unroll
    for (int tile = 0; tile < kOwnTiles; ++tile) {
      float* place = to + head * kDim + warp_id() * kOwnColumns + tile * 8 + lane_id() % 4 * 2;
      place[0] = change(values[tile][2 * half], half);
      place[1] = change(values[tile][2 * half + 1], half);
    }
  }
}

// A block a token and sixteen heads, through all tiles.
__global__ void __launch_bounds__(kThreads, 1)
    attend(const __grid_constant__ AttentionKernel args, EntryShape shape, std::int64_t groups) {
  begin_in_turn();
  extern __shared__ __align__(16) unsigned char memory[];
  __shared__ int first_missing;
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const std::int64_t token = args.first + blockIdx.x / groups;
  const std::int64_t first_head = blockIdx.x % groups * kHeads;
  const QueryKeys keys = keys_of(args, token, shape.row_bytes);
  const int count = count_keys(args, keys, &first_missing);
  begin_tiles(keys, 0, count, shared);
  Queries queries;
  queries.load(args, token, first_head, warp_id() % kQuarters * kQuarter);
  float joint[kOwnTiles][4] = {};
  float largest[2] = {kNoScore, kNoScore};
  float sums[2] = {};
  for (int tile = 0; tile * kKeys < count; ++tile) {
    float values[kOwnTiles][4];
    take_tile<true>(args, keys, queries, tile, count, shared, values);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int head = lane_id() / 4 + half * 8;
      const Shares shares = join_largest(largest[half], shared.largest[head]);
      sums[half] = joined(shares, sums[half], shared.sums[head]);
#pragma unroll
      for (int own = 0; own < kOwnTiles; ++own)
#pragma unroll
        for (int place = 0; place < 2; ++place)
          joint[own][2 * half + place] = joined(shares, joint[own][2 * half + place], values[own][2 * half + place]);
    }
  }
  float sink[2];
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t head = first_head + lane_id() / 4 + half * 8;
    sink[half] = head < args.heads ? args.sink[head] : 0.0F;
  }
  store_values(args.out + token * args.heads * kDim, first_head, args.heads, joint,
               [&](float value, int half) { return finished(value, sums[half], largest[half], sink[half]); });
}

// A tile's part: its values, then its largest score and its sum of weights, of all heads.
__device__ inline float* part_of(const AttentionKernel& args, std::int64_t query, std::int64_t tile) {
  const std::int64_t tiles = (args.score_step + kKeys - 1) / kKeys;
  return args.scores + (query * tiles + tile) * args.heads * (kDim + 2);
}

__global__ void __launch_bounds__(kThreads, 1) attend_tile(const __grid_constant__ AttentionKernel args,
                                                           EntryShape shape, std::int64_t groups, std::int64_t tiles) {
  begin_in_turn();
  extern __shared__ __align__(16) unsigned char memory[];
  __shared__ int first_missing;
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const std::int64_t first_head = blockIdx.x % groups * kHeads;
  const auto tile = static_cast<int>(blockIdx.x / groups % tiles);
  const std::int64_t query = blockIdx.x / (groups * tiles);
  const QueryKeys keys = keys_of(args, args.first + query, shape.row_bytes);
  const int count = count_keys(args, keys, &first_missing);
  if (tile * kKeys >= count) return;
  begin_tiles(keys, tile, min(count, (tile + 1) * kKeys), shared);
  Queries queries;
  queries.load(args, args.first + query, first_head, warp_id() % kQuarters * kQuarter);
  float values[kOwnTiles][4];
  take_tile<false>(args, keys, queries, tile, count, shared, values);
  float* part = part_of(args, query, tile);
  store_values(part, first_head, args.heads, values, [](float value, int) { return value; });
  const std::int64_t head = first_head + threadIdx.x;
  if (threadIdx.x >= kHeads || head >= args.heads) return;
  part[args.heads * kDim + head] = shared.largest[threadIdx.x];
  part[args.heads * (kDim + 1) + head] = shared.sums[threadIdx.x];
}

// A block a token and head.
__global__ void __launch_bounds__(kThreads) join_tiles(const __grid_constant__ AttentionKernel args, EntryShape shape) {
  begin_in_turn();
  constexpr int kOwn = kDim / kThreads;
  __shared__ int first_missing;
  __shared__ Shares shares[kThreads];
  __shared__ float tile_largest[kThreads];
  __shared__ float tile_sums[kThreads];
  const std::int64_t query = blockIdx.x / args.heads;
  const std::int64_t head = blockIdx.x % args.heads;
  const std::int64_t token = args.first + query;
  const QueryKeys keys = keys_of(args, token, shape.row_bytes);
  const int tiles = (count_keys(args, keys, &first_missing) + kKeys - 1) / kKeys;
  float values[kOwn] = {};
  float sum = 0.0F;
  float largest = kNoScore;
  for (int first = 0; first < tiles; first += kThreads) {
    const int some = min(kThreads, tiles - first);
    const int own_tile = static_cast<int>(threadIdx.x);
    __syncthreads();
    if (own_tile < some) {
      const float* part = part_of(args, query, first + own_tile);
      tile_largest[own_tile] = part[args.heads * kDim + head];
      tile_sums[own_tile] = part[args.heads * (kDim + 1) + head];
    }
    __syncthreads();
    if (own_tile < some) {  // the largest before this thread's tile, then with it
      float before = largest;
      for (int tile = 0; tile < own_tile; ++tile) before = fmaxf(before, tile_largest[tile]);
      shares[own_tile] = join_largest(before, tile_largest[own_tile]);
    }
    __syncthreads();
#pragma unroll 4
    for (int tile = 0; tile < some; ++tile) {
      const float* part = part_of(args, query, first + tile);
      largest = fmaxf(largest, tile_largest[tile]);
      sum = joined(shares[tile], sum, tile_sums[tile]);
#pragma unroll
      for (int own = 0; own < kOwn; ++own)
        values[own] = joined(shares[tile], values[own], part[head * kDim + own * kThreads + threadIdx.x]);
    }
  }
#pragma unroll
  for (int own = 0; own < kOwn; ++own)
    args.out[(token * args.heads + head) * kDim + own * kThreads + threadIdx.x] =
        finished(values[own], sum, largest, args.sink[head]);
}

}  // namespace

void launch_attention_tiles(const AttentionKernel& args, Stream stream) {
  if (args.count == 0 || args.heads == 0) return;
  const EntryShape shape = entry_shape(args.format);
  const std::int64_t groups = (args.heads + kHeads - 1) / kHeads;
  constexpr auto kBytes = static_cast<int>(sizeof(Shared));
  static_assert(kBytes <= kTiledSharedBytes, "what choose/ asks for");
  if (!args.shape.split) {
    launch(stream, "attend",
           {.blocks = {blocks_for(args.count * groups, 1)},
            .threads = kThreads,
            .shared_bytes = static_cast<unsigned>(kBytes),
            .chained = stream.chained},
           attend, args, shape, groups);
    return;
  }
  const std::int64_t tiles = (args.score_step + kKeys - 1) / kKeys;
  launch(stream, "attend_tile",
         {.blocks = {blocks_for(args.count * groups * tiles, 1)},
          .threads = kThreads,
          .shared_bytes = static_cast<unsigned>(kBytes),
          .chained = stream.chained},
         attend_tile, args, shape, groups, tiles);
  launch(stream, "join_tiles",
         {.blocks = {blocks_for(args.count * args.heads, 1)}, .threads = kThreads, .chained = stream.chained},
         join_tiles, args, shape);
}

}  // namespace fathom::cuda
