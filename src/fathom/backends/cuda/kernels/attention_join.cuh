// Tiles of 64 keys in summation order, each with a softmax of its own: its largest score m, the sum l of its weights
// exp(s - m), and their values O. Tiles join in order:
//   M' = max(M, m), a = exp(M - M'), b = exp(m - M'), L' = L a + l b, O' = O a + O_tile b
// and out = O / (L + exp(sink - M)). One block walks through all tiles of a token, or a block takes one tile and a
// second kernel joins them: the same numbers joined by the same functions, so that the bits are the same, whoever
// chooses between the two.
#pragma once

#include "fathom/backends/cuda/kernels/attention_keys.cuh"
#include "fathom/backends/cuda/kernels/commit_row.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {

constexpr int kDim = static_cast<int>(kTiledHeadDim);
constexpr int kNope = kDim - static_cast<int>(kTiledRopeDim);
constexpr int kKeys = static_cast<int>(kTileKeys);
constexpr int kRowBytes = kNope + 2 * static_cast<int>(kTiledRopeDim) + 8;  // 584
constexpr int kJoinThreads = 256;
constexpr float kNoScore = -3.0e38F;

// How much of what was joined and of the next tile goes on: all of the one with the larger score.
struct Shares {
  float old;
  float fresh;
};

__device__ inline Shares join_largest(float& largest, float of_tile) {
  const bool grows = of_tile > largest;
  const float lesser = released_exp(grows ? largest - of_tile : of_tile - largest);
  if (!grows) return {1.0F, lesser};
  largest = of_tile;
  return {lesser, 1.0F};
}

__device__ inline float joined(Shares shares, float value, float of_tile) {
  return __fmaf_rn(of_tile, shares.fresh, value * shares.old);
}

// Two ways to finish: each value divided, or one division a query and head.
class Divided {
 public:
  __device__ Divided(float sum, float largest, float sink) : denominator_(sum + released_exp(sink - largest)) {}
  __device__ float operator()(float value) const { return value / denominator_; }

 private:
  float denominator_;
};

class Multiplied {
 public:
  __device__ Multiplied(float sum, float largest, float sink) : inverse_(1.0F / (sum + released_exp(sink - largest))) {}
  __device__ float operator()(float value) const { return value * inverse_; }
  __device__ float inverse() const { return inverse_; }

 private:
  float inverse_;
};

// Keys that there are: those of `selected` end at the first that is none. Reports those that nobody may see.
__device__ inline int count_keys(const AttentionKernel& args, const QueryKeys& keys, int* first_missing) {
  if (keys.selected == nullptr) return static_cast<int>(keys.most);
  const int count = static_cast<int>(keys.most - keys.window_keys);
  const int threads = static_cast<int>(blockDim.x);
  if (threadIdx.x == 0) *first_missing = count;
  __syncthreads();
  for (int slot = threadIdx.x; slot < count; slot += threads)
    if (keys.selected[slot] < 0) atomicMin(first_missing, slot);
  __syncthreads();
  for (int slot = threadIdx.x; slot < *first_missing; slot += threads)
    if (keys.selected[slot] >= keys.visible)
      *args.fault = {FaultCode::invisible_entry, keys.selected[slot], keys.visible};
  return static_cast<int>(keys.window_keys) + *first_missing;
}

inline std::int64_t most_tiles(const AttentionKernel& args) { return (args.score_step + kKeys - 1) / kKeys; }

// A tile's part: its values, then its largest score and its sum of weights, of all heads.
__device__ inline float* part_of(const AttentionKernel& args, std::int64_t query, std::int64_t tile) {
  const std::int64_t tiles = (args.score_step + kKeys - 1) / kKeys;
  return args.scores + (query * tiles + tile) * args.heads * (kDim + 2);
}

// Columns that turn lie two by two with lanes side by side.
__device__ inline float turned_back(const AttentionEnd& end, std::int64_t token, int column, float value) {
  constexpr int kPairs = (kDim - kNope) / 2;
  const std::int64_t angle = token * kPairs + (column - kNope) / 2;
  const float cosine = end.cosine[angle];
  const float sine = -end.sine[angle];
  const float other = __shfl_xor_sync(kAllLanes, value, 1);
  return column % 2 == 0 ? value * cosine - other * sine : other * sine + value * cosine;
}

// A block a token and head; where something follows, then a block a token's row.
template <class Finish, bool kEnds>
__global__ void __launch_bounds__(kJoinThreads)
    join_tiles(const __grid_constant__ AttentionKernel args, EntryShape shape) {
  let_later_kernels_begin();
  constexpr int kOwn = kDim / kJoinThreads;
  static_assert(kNope % kWarp == 0 &&
                kNope >= kDim - kJoinThreads);  // a warp's columns turn or do not, of the last own
  __shared__ int first_missing;
  __shared__ Shares shares[kJoinThreads];
  __shared__ float tile_largest[kJoinThreads];
  __shared__ float tile_sums[kJoinThreads];
  const std::int64_t query = blockIdx.x / args.heads;
  const std::int64_t head = blockIdx.x % args.heads;
  if constexpr (kEnds) {
    if (query >= args.count)
      return commit_row(args.runs, args.fresh, shape.row_bytes, args.first + blockIdx.x - args.count * args.heads,
                        false);
  }
  const std::int64_t token = args.first + query;
  const QueryKeys keys = keys_of(args, token, shape.row_bytes);
  wait_for_earlier_kernels();
  const int tiles = (count_keys(args, keys, &first_missing) + kKeys - 1) / kKeys;
  float values[kOwn] = {};
  float sum = 0.0F;
  float largest = kNoScore;
  for (int first = 0; first < tiles; first += kJoinThreads) {
    const int some = min(kJoinThreads, tiles - first);
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
        values[own] = joined(shares[tile], values[own], part[head * kDim + own * kJoinThreads + threadIdx.x]);
    }
  }
  const Finish finish(sum, largest, args.sink[head]);
#pragma unroll
  for (int own = 0; own < kOwn; ++own) {
    const int column = own * kJoinThreads + static_cast<int>(threadIdx.x);
    float value = finish(values[own]);
    if constexpr (kEnds)
      if (own == kOwn - 1 && column >= kNope) value = turned_back(args.end, token, column, value);
    args.out[(token * args.heads + head) * kDim + column] = value;
  }
}

template <class Finish>
void launch_join(const AttentionKernel& args, const EntryShape& shape, Stream stream) {
  const bool ends = args.end.cosine != nullptr;
  launch(stream, "join_tiles",
         {.blocks = {blocks_for(args.count * (args.heads + (ends ? 1 : 0)), 1)},
          .threads = kJoinThreads,
          .chained = stream.chained},
         ends ? join_tiles<Finish, true> : join_tiles<Finish, false>, args, shape);
}

}  // namespace fathom::cuda
