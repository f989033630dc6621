// One tile of attention on matrix units: 64 keys, sixteen heads, a block of 256 threads (attention_tiles.cu says the
// arithmetic). The next tile's rows are on their way while this one is computed.
#pragma once

#include "fathom/backends/cuda/kernels/attention_join.cuh"
#include "fathom/backends/cuda/kernels/matrix.cuh"

namespace fathom::cuda {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kHeads = 16;                  // of a block: the rows of a matrix step
constexpr int kQuarters = 4;                // of head_dim: a warp multiplies one for half the keys
constexpr int kQuarter = kDim / kQuarters;  // 128
constexpr int kDepth = 16;                  // of a matrix step
constexpr int kQueryParts = 3;
constexpr int kOwnColumns = kDim / kWarps;  // 64: a warp's values
constexpr int kOwnTiles = kOwnColumns / 8;  // of eight columns
constexpr int kRowsAhead = 16 * kKeys;      // keys that are looked up at a time: each costs a few dependent loads

struct Shared {
  uint4 keys[kKeys * kDim / 8];                // [key][column], 16 bytes each, swizzled
  unsigned char raw[kKeys][kRowBytes];         // as stored
  float scores[kQuarters][kHeads][kKeys + 4];  // parts of sums over quarters
  uint4 weights[2][kHeads * kKeys / 8];        // [part][head][key], swizzled
  float largest[kHeads];
  float sums[kHeads];
  const std::byte* rows[kRowsAhead];  // of some tiles
};

// Where sixteen bytes of a row lie: rows that a matrix load reads together fall into different banks.
__device__ inline int key_chunk(int key, int chunk) { return key * (kDim / 8) + (chunk ^ (key & 7)); }
__device__ inline int weight_chunk(int head, int chunk) { return head * (kKeys / 8) + (chunk ^ (head & 7)); }

// A warp's quarter of sixteen queries, in three parts, as the matrix units want them.
struct Queries {
  unsigned parts[kQueryParts][kQuarter / kDepth][4];

  __device__ void load(const AttentionKernel& args, std::int64_t token, std::int64_t first_head, int first_column) {
    const float* q =
        args.q + (token * args.heads + first_head + lane_id() / 4) * kDim + first_column + lane_id() % 4 * 2;
    const std::int64_t own_head = first_head + lane_id() / 4;
    const bool inside[2] = {own_head < args.heads, own_head + 8 < args.heads};
    if (aligned_to(q, 8)) {
      split([&](int offset, int half) {
        return inside[half] ? *reinterpret_cast<const float2*>(q + offset) : make_float2(0.0F, 0.0F);
      });
    } else {
      split([&](int offset, int half) {
        return inside[half] ? make_float2(q[offset], q[offset + 1]) : make_float2(0.0F, 0.0F);
      });
    }
  }

 private:
  // pair(offset, half): two columns from the lane's first on, of its head or of the one eight behind it. All are read
  // before any is split.
  template <class Pair>
  __device__ void split(const Pair& pair) {
    float2 pairs[kQuarter / kDepth][4];
#pragma unroll
    for (int step = 0; step < kQuarter / kDepth; ++step)
#pragma unroll
      for (int place = 0; place < 4; ++place)
        pairs[step][place] = pair(place % 2 * 8 * kDim + step * kDepth + place / 2 * 8, place % 2);
#pragma unroll
    for (int step = 0; step < kQuarter / kDepth; ++step)
#pragma unroll
      for (int place = 0; place < 4; ++place) {
        float low = pairs[step][place].x;
        float high = pairs[step][place].y;
#pragma unroll
        for (int part = 0; part < kQueryParts; ++part) {
          parts[part][step][place] = packed(low, high);
          low = rest_of(low);
          high = rest_of(high);
        }
      }
  }
};

// Looks up the rows from a tile on. What a tile seldom needs is kept out of its instructions: they should fit the
// cache.
__device__ __noinline__ void find_rows(const QueryKeys& keys, int tile, int count, Shared& shared) {
  const int some = (min(kRowsAhead, count - tile * kKeys) + kKeys - 1) / kKeys * kKeys;
  for (int key = threadIdx.x; key < some; key += kThreads) shared.rows[key] = keys.row(tile * kKeys + key);
}

// A row that lies off its boundary, or none: zeros.
__device__ __noinline__ void fetch_slowly(const std::byte* row, unsigned char* to) {
  for (int word = lane_id(); word < kRowBytes / 4; word += kWarp)
    reinterpret_cast<unsigned*>(to)[word] = row == nullptr ? 0U : read_u32(row + 4 * word);
}

// Sends for a tile's rows, a warp a row.
__device__ inline void fetch_rows(int turn_of_rows, Shared& shared) {
  constexpr int kWords = kRowBytes / 8;
#pragma unroll
  for (int turn = 0; turn < kKeys / kWarps; ++turn) {
    const int key = turn * kWarps + warp_id();
    const std::byte* row = shared.rows[turn_of_rows * kKeys % kRowsAhead + key];
    if (row == nullptr || !aligned_to(row, 8)) {
      fetch_slowly(row, shared.raw[key]);
      continue;
    }
#pragma unroll
    for (int word = 0; word < kWords; word += kWarp)
      if (word + lane_id() < kWords)
        copy_eight_later(row + 8 * (word + lane_id()), shared.raw[key] + 8 * (word + lane_id()));
  }
}

// What was fetched to bfloat16, a warp a row, a lane eight columns at a time.
__device__ inline void decode_rows(Shared& shared) {
  constexpr int kCodeChunks = kNope / 8;
#pragma unroll
  for (int turn = 0; turn < kKeys / kWarps; ++turn) {
    const int key = turn * kWarps + warp_id();
    const auto* row = reinterpret_cast<const uint2*>(shared.raw[key]);
#pragma unroll
    for (int part = 0; part < kDim / 8 / kWarp; ++part) {
      const int chunk = part * kWarp + lane_id();
      uint4 columns;
      if (chunk < kCodeChunks) {
        const uint2 codes = row[chunk];
        const unsigned exponent = shared.raw[key][kRowBytes - 8 + chunk / 8];
        const uint2 low = widened_codes(codes.x, exponent);
        const uint2 high = widened_codes(codes.y, exponent);
        columns = {low.x, low.y, high.x, high.y};
      } else {
        const uint2* rope = row + kCodeChunks + (chunk - kCodeChunks) * 2;
        columns = {rope[0].x, rope[0].y, rope[1].x, rope[1].y};
      }
      shared.keys[key_chunk(key, chunk)] = columns;
    }
  }
}

// scores[quarter][head][key]: a warp's quarter of the columns, its half of the keys.
__device__ inline void multiply_queries(const Queries& queries, Shared& shared) {
  const int quarter = warp_id() % kQuarters;
  const int first_key = warp_id() / kQuarters * (kKeys / 2);
  constexpr int kTiles = kKeys / 16;  // of eight keys
  float sums[kTiles][4] = {};
#pragma unroll
  for (int step = 0; step < kQuarter / kDepth; step += 2) {
    unsigned keys[kTiles][4];  // eight keys each, 32 columns: two steps
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const int key = first_key + tile * 8 + lane_id() % 8;
      const int chunk = (quarter * kQuarter + step * kDepth) / 8 + lane_id() / 8;
      load_matrices(&shared.keys[key_chunk(key, chunk)], keys[tile]);
    }
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
      for (int part = 0; part < kQueryParts; ++part)
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile)
          multiply(sums[tile], queries.parts[part][step + half], keys[tile][2 * half], keys[tile][2 * half + 1]);
  }
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile)
#pragma unroll
    for (int place = 0; place < 4; ++place)
      shared.scores[quarter][lane_id() / 4 + place / 2 * 8][first_key + tile * 8 + lane_id() % 4 * 2 + place % 2] =
          sums[tile][place];
}

// Sixteen threads a head, four keys each: the tile's own softmax.
__device__ inline void weigh(Shared& shared, float scale, int keys) {
  constexpr int kOwn = 4;
  const int head = threadIdx.x / kHeads;
  const int first = threadIdx.x % kHeads * kOwn;
  float score[kOwn] = {};
  float largest = kNoScore;
#pragma unroll
  for (int quarter = 0; quarter < kQuarters; ++quarter) {
    const float4 part = *reinterpret_cast<const float4*>(&shared.scores[quarter][head][first]);
    score[0] += part.x;
    score[1] += part.y;
    score[2] += part.z;
    score[3] += part.w;
  }
#pragma unroll
  for (int own = 0; own < kOwn; ++own) {
    score[own] *= scale;
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
    halves[weight_chunk(head, first / 8) * 2 + first % 8 / 4] = {packed(score[0], score[1]),
                                                                 packed(score[2], score[3])};
#pragma unroll
    for (int own = 0; own < kOwn; ++own) score[own] = rest_of(score[own]);
  }
  if (threadIdx.x % kHeads == 0) {
    shared.largest[head] = largest;
    shared.sums[head] = sum;
  }
}

// values[head, column] = sum over the tile's keys of weight * key, for the warp's columns.
__device__ inline void multiply_weights(const Shared& shared, float (&values)[kOwnTiles][4]) {
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
    unsigned keys[kOwnTiles / 2][4];  // sixteen keys, sixteen columns each
#pragma unroll
    for (int pair = 0; pair < kOwnTiles / 2; ++pair) {
      const int chunk = (warp_id() * kOwnColumns + pair * 16) / 8 + lane_id() / 16;
      load_transposed(&shared.keys[key_chunk(step * kDepth + row, chunk)], keys[pair]);
    }
#pragma unroll
    for (int part = 0; part < 2; ++part)
#pragma unroll
      for (int tile = 0; tile < kOwnTiles; ++tile)
        multiply(values[tile], weights[part], keys[tile / 2][tile % 2 * 2], keys[tile / 2][tile % 2 * 2 + 1]);
  }
}

// Before the first tile of a block: it is sent for.
__device__ inline void begin_tiles(const QueryKeys& keys, int first, int count, Shared& shared) {
  find_rows(keys, first, count, shared);
  __syncthreads();
  fetch_rows(0, shared);
  end_of_copies();
}

// The values of a tile that was sent for. With kMore the next one, if there is one, is sent for meanwhile; its turn is
// its number, for a block that began at tile 0.
template <bool kMore>
__device__ inline void take_tile(const AttentionKernel& args, const QueryKeys& keys, const Queries& queries, int tile,
                                 int count, Shared& shared, float (&values)[kOwnTiles][4]) {
  wait_for_copies();
  __syncthreads();  // the tile before has been read, this one is here
  decode_rows(shared);
  const bool more = kMore && (tile + 1) * kKeys < count;
  if (more && (tile + 1) * kKeys % kRowsAhead == 0) find_rows(keys, tile + 1, count, shared);
  __syncthreads();
  if (more) fetch_rows(tile + 1, shared);
  end_of_copies();
  multiply_queries(queries, shared);
  __syncthreads();
  weigh(shared, args.scale, min(kKeys, count - tile * kKeys));
  __syncthreads();
  multiply_weights(shared, values);
}

}  // namespace fathom::cuda
