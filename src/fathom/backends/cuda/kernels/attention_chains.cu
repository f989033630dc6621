// Attention in the released order of every sum: a score is a chain over head_dim, a softmax's sum runs over its slots
// as row_sum does, a value is a chain over the keys. One thread for each chain.
#include "fathom/backends/cuda/kernels/attention.h"
#include "fathom/backends/cuda/kernels/attention_keys.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kSide = 16;     // threads along heads, and along keys
constexpr int kColumns = 64;  // of head_dim in shared memory at a time
constexpr int kStep = kColumns + 4;
constexpr int kWeightThreads = 128;
constexpr int kValueColumns = 64;
constexpr int kValueHeads = kThreads / kValueColumns;
constexpr int kValueKeys = 32;

// Queries and keys of a tile, some columns of them.
template <int kTile>
__device__ void load_tile(const EntryShape& shape, const AttentionKernel& args, const float* q, std::int64_t first_head,
                          const std::byte* const* rows, int first, float* queries, float* keys) {
  for (int index = threadIdx.x; index < kTile * kColumns; index += kThreads) {
    const int line = index / kColumns;
    const int column = first + index % kColumns;
    const bool inside = column < shape.head_dim;
    const bool head = first_head + line < args.heads;
    queries[line * kStep + index % kColumns] = inside && head ? q[(first_head + line) * shape.head_dim + column] : 0.0F;
    keys[line * kStep + index % kColumns] =
        inside && rows[line] != nullptr ? entry_value(shape, rows[line], column) : 0.0F;
  }
}

// The next four terms of a chain. Columns that are none are zeros on both sides, and leave it as it is.
__device__ inline void add_products(float4 q, float4 key, float& sum) {
  sum += q.x * key.x;
  sum += q.y * key.y;
  sum += q.z * key.z;
  sum += q.w * key.w;
}

// scores[token, head, key] = scale * q[head] . key; a thread has kOwn heads times kOwn keys.
template <int kOwn>
__global__ void scores(const __grid_constant__ AttentionKernel args, EntryShape shape, std::int64_t key_tiles,
                       std::int64_t head_tiles) {
  begin_in_turn();
  constexpr int kTile = kSide * kOwn;
  __shared__ __align__(16) float queries[kTile * kStep];
  __shared__ __align__(16) float keys[kTile * kStep];
  __shared__ const std::byte* rows[kTile];
  const std::int64_t key_tile = blockIdx.x % key_tiles;
  const std::int64_t head_tile = blockIdx.x / key_tiles % head_tiles;
  const std::int64_t query = blockIdx.x / (key_tiles * head_tiles);
  const std::int64_t token = args.first + query;
  const QueryKeys all = keys_of(args, token, shape.row_bytes);
  const std::int64_t first_key = key_tile * kTile;
  if (first_key >= all.most) return;
  if (threadIdx.x < kTile) rows[threadIdx.x] = all.row(first_key + threadIdx.x);
  __syncthreads();
  const float* q = args.q + token * args.heads * shape.head_dim;
  const int own_key = threadIdx.x % kSide;
  const int own_head = threadIdx.x / kSide;
  float sums[kOwn][kOwn] = {};
  for (int first = 0; first < shape.head_dim; first += kColumns) {
    load_tile<kTile>(shape, args, q, head_tile * kTile, rows, first, queries, keys);
    __syncthreads();
    const int columns = min(kColumns, shape.head_dim - first);
#pragma unroll 4
    for (int column = 0; column < columns; column += 4)
#pragma unroll
      for (int head = 0; head < kOwn; ++head)
#pragma unroll
        for (int key = 0; key < kOwn; ++key)
          add_products(*reinterpret_cast<const float4*>(queries + (own_head + head * kSide) * kStep + column),
                       *reinterpret_cast<const float4*>(keys + (own_key + key * kSide) * kStep + column),
                       sums[head][key]);
    __syncthreads();
  }
#pragma unroll
  for (int head = 0; head < kOwn; ++head)
#pragma unroll
    for (int key = 0; key < kOwn; ++key) {
      const std::int64_t of_head = head_tile * kTile + own_head + head * kSide;
      const std::int64_t of_key = first_key + own_key + key * kSide;
      if (of_head < args.heads && of_key < all.most)
        args.scores[(query * args.heads + of_head) * args.score_step + of_key] = sums[head][key] * args.scale;
    }
}

// Keys that there are: those of `selected` end at the first that is none.
__device__ std::int64_t count_keys(const QueryKeys& keys, int* first_missing) {
  if (keys.selected == nullptr) return keys.most;
  const int count = static_cast<int>(keys.most - keys.window_keys);
  if (threadIdx.x == 0) *first_missing = count;
  __syncthreads();
  for (int slot = threadIdx.x; slot < count; slot += blockDim.x)
    if (keys.selected[slot] < 0) atomicMin(first_missing, slot);
  __syncthreads();
  return keys.window_keys + *first_missing;
}

__device__ void report_invisible(const AttentionKernel& args, const QueryKeys& keys, std::int64_t count) {
  if (keys.selected == nullptr) return;
  for (std::int64_t slot = threadIdx.x; slot < count - keys.window_keys; slot += blockDim.x)
    if (keys.selected[slot] >= keys.visible)
      *args.fault = {FaultCode::invisible_entry, keys.selected[slot], keys.visible};
}

__device__ float block_largest(float value, float* parts) {
  value = warp_largest(value);
  if (lane_id() == 0) parts[warp_id()] = value;
  __syncthreads();
  float largest = parts[0];
  for (int warp = 1; warp < kWeightThreads / kWarp; ++warp) largest = fmaxf(largest, parts[warp]);
  return largest;
}

// Scores to the softmax's weights, a block for each token and head.
__global__ void weights(const __grid_constant__ AttentionKernel args, EntryShape shape) {
  begin_in_turn();
  extern __shared__ float parts[];
  __shared__ float largest_parts[kWeightThreads / kWarp];
  __shared__ int first_missing;
  const std::int64_t query = blockIdx.x / args.heads;
  const std::int64_t head = blockIdx.x % args.heads;
  const QueryKeys keys = keys_of(args, args.first + query, shape.row_bytes);
  const std::int64_t count = count_keys(keys, &first_missing);
  if (head == 0) report_invisible(args, keys, count);
  float* score = args.scores + (query * args.heads + head) * args.score_step;
  float largest = -__uint_as_float(0x7f800000U);
  for (std::int64_t key = threadIdx.x; key < count; key += kWeightThreads) largest = fmaxf(largest, score[key]);
  largest = block_largest(largest, largest_parts);
  for (std::int64_t key = threadIdx.x; key < count; key += kWeightThreads)
    score[key] = released_exp(score[key] - largest);
  // The window's slots, then the entries': those behind the last key of either hold nothing.
  const std::int64_t slots = args.window + keys.most - keys.window_keys;
  const float sum = block_row_sum(slots, parts, [&](std::int64_t slot) {
    if (slot < args.window) return slot < keys.window_keys ? score[slot] : 0.0F;
    const std::int64_t key = slot - args.window + keys.window_keys;
    return key < count ? score[key] : 0.0F;
  });
  // Note [Sink without value]: the attention sink joins the softmax's denominator only.
  const float denominator = sum + released_exp(args.sink[head] - largest);
  for (std::int64_t key = threadIdx.x; key < keys.most; key += kWeightThreads)
    if (key < count) score[key] /= denominator;
}

// out[token, head, column] = sum over keys of weight * key[column]; a thread has a column of kOwn heads.
template <int kOwn>
__global__ void values(const __grid_constant__ AttentionKernel args, EntryShape shape, std::int64_t column_tiles,
                       std::int64_t head_tiles) {
  begin_in_turn();
  constexpr int kHeads = kValueHeads * kOwn;
  __shared__ float keys[kValueKeys * kValueColumns];
  __shared__ float shares[kHeads * kValueKeys];
  __shared__ const std::byte* rows[kValueKeys];
  __shared__ int first_missing;
  const std::int64_t first_column = blockIdx.x % column_tiles * kValueColumns;
  const std::int64_t first_head = blockIdx.x / column_tiles % head_tiles * kHeads;
  const std::int64_t query = blockIdx.x / (column_tiles * head_tiles);
  const std::int64_t token = args.first + query;
  const QueryKeys all = keys_of(args, token, shape.row_bytes);
  const std::int64_t count = count_keys(all, &first_missing);
  const int own_column = threadIdx.x % kValueColumns;
  const int own_head = threadIdx.x / kValueColumns;
  const int column = static_cast<int>(first_column) + own_column;
  const float* score = args.scores + query * args.heads * args.score_step;
  float sums[kOwn] = {};
  for (std::int64_t first = 0; first < count; first += kValueKeys) {
    const int some = static_cast<int>(min(static_cast<std::int64_t>(kValueKeys), count - first));
    if (threadIdx.x < kValueKeys) rows[threadIdx.x] = threadIdx.x < some ? all.row(first + threadIdx.x) : nullptr;
    for (int index = threadIdx.x; index < kHeads * kValueKeys; index += kThreads) {
      const std::int64_t head = first_head + index / kValueKeys;
      const int key = index % kValueKeys;
      shares[index] = head < args.heads && key < some ? score[head * args.score_step + first + key] : 0.0F;
    }
    __syncthreads();
    for (int key = own_head; key < some; key += kValueHeads)
      keys[key * kValueColumns + own_column] =
          column < shape.head_dim && rows[key] != nullptr ? entry_value(shape, rows[key], column) : 0.0F;
    __syncthreads();
    for (int key = 0; key < some; ++key)
#pragma unroll
      for (int head = 0; head < kOwn; ++head)
        sums[head] +=
            shares[(own_head + head * kValueHeads) * kValueKeys + key] * keys[key * kValueColumns + own_column];
    __syncthreads();
  }
#pragma unroll
  for (int head = 0; head < kOwn; ++head) {
    const std::int64_t of_head = first_head + own_head + head * kValueHeads;
    if (of_head < args.heads && column < shape.head_dim)
      args.out[(token * args.heads + of_head) * shape.head_dim + column] = sums[head];
  }
}

std::int64_t tiles_of(std::int64_t size, std::int64_t tile) { return (size + tile - 1) / tile; }

template <int kOwn>
void launch_tiles(const AttentionKernel& args, const EntryShape& shape, Stream stream) {
  const std::int64_t key_tiles = tiles_of(args.score_step, kSide * kOwn);
  const std::int64_t head_tiles = tiles_of(args.heads, kSide * kOwn);
  launch(
      stream, "scores",
      {.blocks = {blocks_for(args.count * key_tiles * head_tiles, 1)}, .threads = kThreads, .chained = stream.chained},
      scores<kOwn>, args, shape, key_tiles, head_tiles);
  const auto shared = static_cast<std::size_t>(block_row_sum_floats(args.score_step + args.window)) * sizeof(float);
  launch(stream, "weights",
         {.blocks = {blocks_for(args.count * args.heads, 1)},
          .threads = kWeightThreads,
          .shared_bytes = static_cast<unsigned>(shared),
          .chained = stream.chained},
         weights, args, shape);
  const std::int64_t column_tiles = tiles_of(shape.head_dim, kValueColumns);
  constexpr int kValueOwn = kOwn == 1 ? 1 : 4;
  const std::int64_t value_tiles = tiles_of(args.heads, kValueHeads * kValueOwn);
  launch(stream, "values",
         {.blocks = {blocks_for(args.count * column_tiles * value_tiles, 1)},
          .threads = kThreads,
          .chained = stream.chained},
         values<kValueOwn>, args, shape, column_tiles, value_tiles);
}

}  // namespace

void launch_attention_chains(const AttentionKernel& args, Stream stream) {
  if (args.count == 0 || args.heads == 0) return;
  const EntryShape shape = entry_shape(args.format);
  if (args.shape.large_tiles) {
    launch_tiles<2>(args, shape, stream);
  } else {
    launch_tiles<1>(args, shape, stream);
  }
}

}  // namespace fathom::cuda
