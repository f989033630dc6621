// Attention on matrix units, for entries in released storage. Stored keys are exact in bfloat16; queries are split into
// three bfloat16 parts, which hold a float32 exactly, weights into two (2^-17 of a weight is lost).
//
// Keys go in tiles of 64, in summation order. A tile has a softmax of its own: its largest score m, the sum l of its
// weights exp(s - m), and their values O. Tiles join in order:
//   M' = max(M, m), a = exp(M - M'), b = exp(m - M'), L' = L a + l b, O' = O a + O_tile b
// and out = O / (L + exp(sink - M)). One block walks through all tiles of a token and 16 heads, or a block takes one tile
// and a second kernel joins them: the same numbers joined by the same function, so that the bits are the same, whoever
// chooses between the two.
#include <cuda_bf16.h>

#include "fathom/backends/cuda/kernels/attention.h"
#include "fathom/backends/cuda/kernels/attention_keys.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kHeads = 16;  // of a block: the rows of a matrix step
constexpr int kDim = static_cast<int>(kTiledHeadDim);
constexpr int kNope = kDim - static_cast<int>(kTiledRopeDim);
constexpr int kKeys = static_cast<int>(kTileKeys);
constexpr int kQuarters = 4;                   // of head_dim: a warp multiplies one for half the keys
constexpr int kQuarter = kDim / kQuarters;     // 128
constexpr int kDepth = 16;                     // of a matrix step
constexpr int kQueryParts = 3;
constexpr int kOwnColumns = kDim / kWarps;     // 64: a warp's values
constexpr int kOwnTiles = kOwnColumns / 8;     // of eight columns
constexpr float kNoScore = -3.0e38F;

struct Shared {
  uint4 keys[kKeys * kDim / 8];                  // [key][column], 16 bytes each, swizzled
  float scores[kQuarters][kHeads][kKeys + 4];    // parts of sums over quarters
  uint4 weights[2][kHeads * kKeys / 8];          // [part][head][key], swizzled
  float largest[kHeads];
  float sums[kHeads];
  const std::byte* rows[2][kKeys];  // of this tile and the next
};

// Where sixteen bytes of a row lie: rows that a matrix load reads together fall into different banks.
__device__ inline int key_chunk(int key, int chunk) { return key * (kDim / 8) + (chunk ^ (key & 7)); }
__device__ inline int weight_chunk(int head, int chunk) { return head * (kKeys / 8) + (chunk ^ (head & 7)); }

__device__ inline unsigned shared_address(const void* place) {
  return static_cast<unsigned>(__cvta_generic_to_shared(place));
}

__device__ inline void load_matrices(const void* row, unsigned (&to)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row)));
}

__device__ inline void load_transposed(const void* row, unsigned (&to)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row)));
}

__device__ inline void multiply(float (&sums)[4], const unsigned (&a)[4], unsigned low, unsigned high) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(low), "r"(high));
}

__device__ inline unsigned packed(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const unsigned*>(&pair);
}

// Takes a bfloat16 off a value: what is left is exact.
__device__ inline float rest_of(float value) { return value - __bfloat162float(__float2bfloat16_rn(value)); }

// A warp's quarter of sixteen queries, in three parts, as the matrix units want them.
struct Queries {
  unsigned parts[kQueryParts][kQuarter / kDepth][4];

  __device__ void load(const AttentionKernel& args, std::int64_t token, std::int64_t first_head, int first_column) {
#pragma unroll
    for (int step = 0; step < kQuarter / kDepth; ++step)
#pragma unroll
      for (int place = 0; place < 4; ++place) {
        const std::int64_t head = first_head + lane_id() / 4 + place % 2 * 8;
        const int column = first_column + step * kDepth + lane_id() % 4 * 2 + place / 2 * 8;
        float low = 0.0F;
        float high = 0.0F;
        if (head < args.heads) {
          const float* q = args.q + (token * args.heads + head) * kDim + column;
          low = q[0];
          high = q[1];
        }
#pragma unroll
        for (int part = 0; part < kQueryParts; ++part) {
          parts[part][step][place] = packed(low, high);
          low = rest_of(low);
          high = rest_of(high);
        }
      }
  }
};

// Two codes of E4M3 in the upper bytes of the halves of `codes` to bfloat16, times a power of two in two steps: shifted
// down, a code is its value times 2^-120. A code of NaN, which only a broken model writes, counts as 480.
__device__ inline unsigned widened_pair(unsigned codes, unsigned scale) {
  const unsigned bits = (codes & 0x80008000U) | (codes & 0x7f007f00U) >> 4;
  const unsigned half_way = 0x5d805d80U;  // 2^60, twice
  __nv_bfloat162 value = *reinterpret_cast<const __nv_bfloat162*>(&bits);
  value = __hmul2(value, *reinterpret_cast<const __nv_bfloat162*>(&half_way));
  value = __hmul2(value, *reinterpret_cast<const __nv_bfloat162*>(&scale));
  return *reinterpret_cast<const unsigned*>(&value);
}

__device__ void find_rows(const QueryKeys& keys, int tile, Shared& shared) {
  if (threadIdx.x < kKeys) shared.rows[tile % 2][threadIdx.x] = keys.row(tile * kKeys + threadIdx.x);
}

// Decodes a tile's keys, a warp a row; rows that are none are zeros.
__device__ void load_keys(const std::byte* const* rows, Shared& shared) {
  auto* words = reinterpret_cast<uint2*>(shared.keys);
  auto* pairs = reinterpret_cast<unsigned*>(shared.keys);
#pragma unroll 2
  for (int turn = 0; turn < kKeys / kWarps; ++turn) {
    const int key = turn * kWarps + warp_id();
    const std::byte* row = rows[key];
    unsigned codes[4] = {};
    unsigned exponents[4] = {};
    unsigned rope = 0;
    if (row != nullptr) {
#pragma unroll
      for (int part = 0; part < 4; ++part) {
        const int word = part * kWarp + lane_id();
        if (word >= kNope / 4) continue;
        codes[part] = read_u32(row + 4 * word);
        exponents[part] = byte_at(row + kDim + static_cast<int>(kTiledRopeDim) + word / 16);
      }
      rope = read_u32(row + kNope + 4 * lane_id());
    }
#pragma unroll
    for (int part = 0; part < 4; ++part) {
      const int word = part * kWarp + lane_id();
      if (word >= kNope / 4) continue;
      const unsigned scale = (exponents[part] + 60U) << 7;  // 2^(60 + exponent - 127), an exponent below 195
      const uint2 four = {widened_pair(__byte_perm(codes[part], 0, 0x1404), scale | scale << 16),
                          widened_pair(__byte_perm(codes[part], 0, 0x3424), scale | scale << 16)};
      words[key_chunk(key, word / 2) * 2 + word % 2] = four;
    }
    const int column = kNope + 2 * lane_id();
    pairs[key_chunk(key, column / 8) * 4 + column % 8 / 2] = rope;
  }
}

// scores[quarter][head][key]: a warp's quarter of the columns, its half of the keys.
__device__ void multiply_queries(const Queries& queries, Shared& shared) {
  const int quarter = warp_id() % kQuarters;
  const int first_key = warp_id() / kQuarters * (kKeys / 2);
  float sums[kKeys / 16][4] = {};
#pragma unroll
  for (int step = 0; step < kQuarter / kDepth; step += 2)
#pragma unroll
    for (int tile = 0; tile < kKeys / 16; ++tile) {
      unsigned keys[4];  // eight keys, 32 columns: two steps
      const int key = first_key + tile * 8 + lane_id() % 8;
      load_matrices(&shared.keys[key_chunk(key, (quarter * kQuarter + step * kDepth) / 8 + lane_id() / 8)], keys);
#pragma unroll
      for (int part = 0; part < kQueryParts; ++part) {
        multiply(sums[tile], queries.parts[part][step], keys[0], keys[1]);
        multiply(sums[tile], queries.parts[part][step + 1], keys[2], keys[3]);
      }
    }
#pragma unroll
  for (int tile = 0; tile < kKeys / 16; ++tile)
#pragma unroll
    for (int place = 0; place < 4; ++place)
      shared.scores[quarter][lane_id() / 4 + place / 2 * 8][first_key + tile * 8 + lane_id() % 4 * 2 + place % 2] =
          sums[tile][place];
}

// Sixteen threads a head, four keys each: the tile's own softmax.
__device__ void weigh(Shared& shared, float scale, int keys) {
  constexpr int kOwn = 4;
  const int head = threadIdx.x / kHeads;
  const int first = threadIdx.x % kHeads * kOwn;
  float score[kOwn];
  float largest = kNoScore;
#pragma unroll
  for (int own = 0; own < kOwn; ++own) {
    float sum = shared.scores[0][head][first + own];
#pragma unroll
    for (int quarter = 1; quarter < kQuarters; ++quarter) sum += shared.scores[quarter][head][first + own];
    score[own] = sum * scale;
    if (first + own < keys) largest = fmaxf(largest, score[own]);
  }
#pragma unroll
  for (int distance = kHeads / 2; distance > 0; distance /= 2)
    largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, distance));
  float sum = 0.0F;
#pragma unroll
  for (int own = 0; own < kOwn; ++own) {
    score[own] = first + own < keys ? released_exp(score[own] - largest) : 0.0F;
    sum += score[own];
  }
#pragma unroll
  for (int distance = kHeads / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(kAllLanes, sum, distance);
#pragma unroll
  for (int part = 0; part < 2; ++part) {
    auto* halves = reinterpret_cast<uint2*>(shared.weights[part]);
    halves[weight_chunk(head, first / 8) * 2 + first % 8 / 4] = {packed(score[0], score[1]), packed(score[2], score[3])};
#pragma unroll
    for (int own = 0; own < kOwn; ++own) score[own] = rest_of(score[own]);
  }
  if (threadIdx.x % kHeads == 0) {
    shared.largest[head] = largest;
    shared.sums[head] = sum;
  }
}

// values[head, column] = sum over the tile's keys of weight * key, for the warp's columns.
__device__ void multiply_weights(const Shared& shared, float (&values)[kOwnTiles][4]) {
#pragma unroll
  for (int tile = 0; tile < kOwnTiles; ++tile)
#pragma unroll
    for (int place = 0; place < 4; ++place) values[tile][place] = 0.0F;
#pragma unroll
  for (int step = 0; step < kKeys / kDepth; ++step) {
    const int row = lane_id() % 16;
    unsigned weights[2][4];
#pragma unroll
    for (int part = 0; part < 2; ++part)
      load_matrices(&shared.weights[part][weight_chunk(row, step * kDepth / 8 + lane_id() / 16)], weights[part]);
#pragma unroll
    for (int tile = 0; tile < kOwnTiles; tile += 2) {
      unsigned keys[4];  // sixteen keys, sixteen columns
      const int chunk = (warp_id() * kOwnColumns + tile * 8) / 8 + lane_id() / 16;
      load_transposed(&shared.keys[key_chunk(step * kDepth + row, chunk)], keys);
#pragma unroll
      for (int part = 0; part < 2; ++part) {
        multiply(values[tile], weights[part], keys[0], keys[1]);
        multiply(values[tile + 1], weights[part], keys[2], keys[3]);
      }
    }
  }
}

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

__device__ void take_tile(const AttentionKernel& args, const QueryKeys& keys, const Queries& queries, int tile,
                          int count, Shared& shared, float (&values)[kOwnTiles][4]) {
  __syncthreads();  // the tile before has been read, this one's rows are known
  load_keys(shared.rows[tile % 2], shared);
  find_rows(keys, tile + 1, shared);
  __syncthreads();
  multiply_queries(queries, shared);
  __syncthreads();
  weigh(shared, args.scale, min(kKeys, count - tile * kKeys));
  __syncthreads();
  multiply_weights(shared, values);
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
__global__ void __launch_bounds__(kThreads, 1) attend(const __grid_constant__ AttentionKernel args, EntryShape shape,
                                                      std::int64_t groups) {
  extern __shared__ __align__(16) unsigned char memory[];
  __shared__ int first_missing;
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const std::int64_t token = args.first + blockIdx.x / groups;
  const std::int64_t first_head = blockIdx.x % groups * kHeads;
  const QueryKeys keys = keys_of(args, token, shape.row_bytes);
  const int count = count_keys(args, keys, &first_missing);
  Queries queries;
  queries.load(args, token, first_head, warp_id() % kQuarters * kQuarter);
  find_rows(keys, 0, shared);
  float joint[kOwnTiles][4] = {};
  float largest[2] = {kNoScore, kNoScore};
  float sums[2] = {};
  for (int tile = 0; tile * kKeys < count; ++tile) {
    float values[kOwnTiles][4];
    take_tile(args, keys, queries, tile, count, shared, values);
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
  extern __shared__ __align__(16) unsigned char memory[];
  __shared__ int first_missing;
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const std::int64_t first_head = blockIdx.x % groups * kHeads;
  const auto tile = static_cast<int>(blockIdx.x / groups % tiles);
  const std::int64_t query = blockIdx.x / (groups * tiles);
  const QueryKeys keys = keys_of(args, args.first + query, shape.row_bytes);
  const int count = count_keys(args, keys, &first_missing);
  if (tile * kKeys >= count) return;
  Queries queries;
  queries.load(args, args.first + query, first_head, warp_id() % kQuarters * kQuarter);
  find_rows(keys, tile, shared);
  float values[kOwnTiles][4];
  take_tile(args, keys, queries, tile, count, shared, values);
  float* part = part_of(args, query, tile);
  store_values(part, first_head, args.heads, values, [](float value, int) { return value; });
  const std::int64_t head = first_head + threadIdx.x;
  if (threadIdx.x >= kHeads || head >= args.heads) return;
  part[args.heads * kDim + head] = shared.largest[threadIdx.x];
  part[args.heads * (kDim + 1) + head] = shared.sums[threadIdx.x];
}

// A block a token and head.
__global__ void __launch_bounds__(kThreads) join_tiles(const __grid_constant__ AttentionKernel args, EntryShape shape) {
  constexpr int kOwn = kDim / kThreads;
  __shared__ int first_missing;
  __shared__ Shares shares[kThreads];
  const std::int64_t query = blockIdx.x / args.heads;
  const std::int64_t head = blockIdx.x % args.heads;
  const std::int64_t token = args.first + query;
  const QueryKeys keys = keys_of(args, token, shape.row_bytes);
  const int tiles = (count_keys(args, keys, &first_missing) + kKeys - 1) / kKeys;
  float values[kOwn] = {};
  float sum = 0.0F;
  float largest = kNoScore;
  for (int first = 0; first < tiles; first += kThreads) {
    __syncthreads();
    const int some = min(kThreads, tiles - first);
    if (static_cast<int>(threadIdx.x) < some) {  // the largest before this thread's tile, then with it
      float before = largest;
      for (int tile = 0; tile < static_cast<int>(threadIdx.x); ++tile)
        before = fmaxf(before, part_of(args, query, first + tile)[args.heads * kDim + head]);
      shares[threadIdx.x] =
          join_largest(before, part_of(args, query, first + threadIdx.x)[args.heads * kDim + head]);
    }
    __syncthreads();
    for (int tile = 0; tile < some; ++tile) {
      const float* part = part_of(args, query, first + tile);
      largest = fmaxf(largest, part[args.heads * kDim + head]);
      sum = joined(shares[tile], sum, part[args.heads * (kDim + 1) + head]);
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
  if (!args.shape.split) {
    cudaFuncSetAttribute(attend, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
    attend<<<blocks_for(args.count * groups, 1), kThreads, kBytes, stream>>>(args, shape, groups);
    return;
  }
  const std::int64_t tiles = (args.score_step + kKeys - 1) / kKeys;
  cudaFuncSetAttribute(attend_tile, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  attend_tile<<<blocks_for(args.count * groups * tiles, 1), kThreads, kBytes, stream>>>(args, shape, groups, tiles);
  join_tiles<<<blocks_for(args.count * args.heads, 1), kThreads, 0, stream>>>(args, shape);
}

}  // namespace fathom::cuda
