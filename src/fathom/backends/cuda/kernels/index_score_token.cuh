// A token's scores by a block, in two ways to one number. Keys and queries that lie on FP4's grid multiply as whole
// numbers in the matrix units, one step of 32 columns being one group of scales; the sums are exact, and with scales
// less than 2^9 apart so is the chain over columns, in whatever order. Everything else is the chain itself, a key a
// lane. The sum over heads is a chain of one thread in both.
#pragma once

#include "fathom/backends/cuda/kernels/entry_rows.cuh"
#include "fathom/backends/cuda/kernels/index.h"
#include "fathom/backends/cuda/kernels/query_codes.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda::index_scores {

constexpr int kThreads = static_cast<int>(kScoreTileKeys);
constexpr int kWarps = kThreads / kWarp;
constexpr int kTileHeads = 8;    // of one matrix step
constexpr int kHeadsAtOnce = 4;  // chains that a lane runs side by side
constexpr int kProductStep = kWarp + 1;

// Some blocks share a token's keys.
struct Share {
  std::int64_t part;
  std::int64_t parts;
};

// The keys that a token sees.
struct TokenKeys {
  const PlacedRun* run;
  std::int64_t visible;
  std::int64_t row_bytes;

  __device__ const std::byte* row(std::int64_t entry) const { return run->paged_row(entry, row_bytes); }
};

__device__ inline float positive(float product) { return product < 0.0F ? 0.0F : product; }

// A block's queries on FP4's grid.
struct QueryCodes {
  signed char* codes;  // [heads up to 8][step], doubled values
  float* scales;       // [heads up to 8][groups]
  int step;            // bytes; a quarter of it is 4 modulo 32, so that eight heads lie in 32 banks
  int groups;

  __device__ QueryCodes(unsigned char* shared, int heads, int dim) : step(dim + 16), groups(dim / kWarp) {
    codes = reinterpret_cast<signed char*>(shared);
    scales = reinterpret_cast<float*>(shared + (heads + kTileHeads - 1) / kTileHeads * kTileHeads * step);
  }
};

// Writes the codes; true when every value of the token lies on the grid. The block's verdict, after a barrier.
__device__ inline bool encode_queries(const IndexScoresKernel& args, const float* q, const QueryCodes& queries) {
  const int heads = static_cast<int>(args.heads);
  const int padded = (heads + kTileHeads - 1) / kTileHeads * kTileHeads;
  const int piece = lane_id() % 8 * 4;
  const bool whole = aligned_to(q, 16);
  bool exact = true;
  constexpr int kAtOnce = 4;
  for (int of_warp = warp_id() * 4; of_warp < padded * queries.groups; of_warp += kWarps * 4 * kAtOnce) {
    const int first = of_warp + lane_id() / 8;
    float4 values[kAtOnce] = {};
#pragma unroll
    for (int turn = 0; turn < kAtOnce; ++turn) {
      const int group = first + turn * kWarps * 4;  // the token's values lie end to end
      if (group >= heads * queries.groups) continue;
      const float* from = q + group * kWarp + piece;
      values[turn] = whole ? *reinterpret_cast<const float4*>(from) : make_float4(from[0], from[1], from[2], from[3]);
    }
#pragma unroll
    for (int turn = 0; turn < kAtOnce; ++turn) {
      const int group = first + turn * kWarps * 4;
      float scale = 0.0F;
      char4 codes;
      exact = encode_four(values[turn], scale, codes) && exact;
      if (group >= padded * queries.groups) continue;
      *reinterpret_cast<char4*>(queries.codes + group / queries.groups * queries.step + group % queries.groups * kWarp +
                                piece) = codes;
      if (piece == 0) queries.scales[group] = scale;
    }
  }
  return __syncthreads_and(exact) != 0;
}

// Four nibbles to four signed bytes, doubled.
__device__ inline unsigned doubled_nibbles(unsigned four) {
  const unsigned sizes = __byte_perm(0x03020100U, 0x0c080604U, four & 0x7777U);
  unsigned spread = (four | four << 8) & 0x00ff00ffU;
  spread = (spread | spread << 4) & 0x0f0f0f0fU;
  const unsigned signs = (spread >> 3 & 0x01010101U) * 0xffU;
  return __vsub4(sizes ^ signs, signs);
}

__device__ inline void multiply_step(int (&sums)[4], const unsigned (&keys)[4], unsigned low, unsigned high) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
      : "r"(keys[0]), "r"(keys[1]), "r"(keys[2]), "r"(keys[3]), "r"(low), "r"(high));
}

// Sixteen keys as a warp holds them for the matrix units: of key lane / 4 and the one eight behind it, in every group
// the columns 4 (lane % 4) .. + 3 and those sixteen further.
template <int kGroups>
struct KeyFragment {
  unsigned codes[kGroups][4];
  float scales[kGroups][2];

  __device__ void load(const TokenKeys& keys, std::int64_t first) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int64_t entry = first + lane_id() / 4 + 8 * half;
      const std::byte* row = entry < keys.visible ? keys.row(entry) : nullptr;
      if (row != nullptr && aligned_to(row, 4)) {
        const unsigned exponents = group_exponents(row);
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
          const auto* place = reinterpret_cast<const unsigned short*>(row + group * 16 + lane_id() % 4 * 2);
          codes[group][half] = doubled_nibbles(place[0]);
          codes[group][2 + half] = doubled_nibbles(place[4]);
          scales[group][half] = widened_e8m0(exponents >> (8 * group) & 0xffU);
        }
        continue;
      }
#pragma unroll
      for (int group = 0; group < kGroups; ++group) {
        const std::byte* place = row + group * 16 + lane_id() % 4 * 2;
        codes[group][half] = row == nullptr ? 0U : doubled_nibbles(read_u16(place));
        codes[group][2 + half] = row == nullptr ? 0U : doubled_nibbles(read_u16(place + 8));
        scales[group][half] = row == nullptr ? 0.0F : widened_e8m0(byte_at(row + kGroups * 16 + group));
      }
    }
  }

 private:
  // A byte a group; `row` is aligned to 4.
  __device__ static unsigned group_exponents(const std::byte* row) {
    if constexpr (kGroups == 4) return *reinterpret_cast<const unsigned*>(row + kGroups * 16);
    unsigned exponents = 0;
#pragma unroll
    for (int group = 0; group < kGroups; ++group) exponents |= byte_at(row + kGroups * 16 + group) << (8 * group);
    return exponents;
  }
};

// Eight heads as a warp holds them for the matrix units, and the scales of the two whose products a lane is left with.
template <int kGroups>
struct QueryFragment {
  unsigned codes[kGroups][2];
  float scales[2][kGroups];
};

// Products of sixteen keys with eight heads, to products[head][key].
template <int kGroups>
__device__ void multiply_fragments(const KeyFragment<kGroups>& keys, const QueryFragment<kGroups>& queries,
                                   float* products) {
  const int quarter = lane_id() % 4;
  float sums[4] = {};
#pragma unroll
  for (int group = 0; group < kGroups; ++group) {
    int whole[4] = {};
    multiply_step(whole, keys.codes[group], queries.codes[group][0], queries.codes[group][1]);
#pragma unroll
    for (int place = 0; place < 4; ++place)
      sums[place] +=
          static_cast<float>(whole[place]) * (queries.scales[place % 2][group] * keys.scales[group][place / 2]);
  }
#pragma unroll
  for (int place = 0; place < 4; ++place)
    products[(2 * quarter + place % 2) * kProductStep + lane_id() / 4 + place / 2 * 8] = positive(sums[place]);
}

template <int kGroups>
__device__ void multiply_keys(const KeyFragment<kGroups>& keys, const QueryCodes& queries, int first_head,
                              float* products) {
  const int quarter = lane_id() % 4;
  QueryFragment<kGroups> fragment;
#pragma unroll
  for (int group = 0; group < kGroups; ++group) {
    const signed char* code = queries.codes + (first_head + lane_id() / 4) * queries.step + group * kWarp + quarter * 4;
    fragment.codes[group][0] = *reinterpret_cast<const unsigned*>(code);
    fragment.codes[group][1] = *reinterpret_cast<const unsigned*>(code + 16);
    const float* scales = queries.scales + (first_head + 2 * quarter) * kGroups + group;
    fragment.scales[0][group] = scales[0];
    fragment.scales[1][group] = scales[kGroups];
  }
  multiply_fragments(keys, fragment, products);
}

template <int kGroups>
__device__ void score_codes(const IndexScoresKernel& args, const Share& share, const TokenKeys& keys,
                            const QueryCodes& queries, float* products, const float* weights, float* scores) {
  const int heads = static_cast<int>(args.heads);
  const std::int64_t tile_step = kScoreTileKeys * share.parts;
  for (std::int64_t tile = share.part * kScoreTileKeys; tile < keys.visible; tile += tile_step) {
    const std::int64_t first = tile + warp_id() * kWarp;
    if (first >= keys.visible) continue;  // of the whole warp
    KeyFragment<kGroups> halves[2];
    halves[0].load(keys, first);
    halves[1].load(keys, first + 16);
    float score = 0.0F;
    for (int head = 0; head < heads; head += kTileHeads) {
      multiply_keys(halves[0], queries, head, products);
      multiply_keys(halves[1], queries, head, products + 16);
      __syncwarp();
      const int count = min(kTileHeads, heads - head);
      for (int other = 0; other < count; ++other)
        score += weights[head + other] * products[other * kProductStep + lane_id()];
      __syncwarp();
    }
    if (first + lane_id() < keys.visible) scores[first + lane_id()] = score;
  }
}

// The same numbers for few keys: the block takes 32 at a time, its warps share the heads.
template <int kGroups>
__device__ void score_few_codes(const IndexScoresKernel& args, const Share& share, const TokenKeys& keys,
                                const QueryCodes& queries, float* products, const float* weights, float* scores) {
  const int heads = static_cast<int>(args.heads);
  for (std::int64_t first = share.part * kFewTileKeys; first < keys.visible; first += share.parts * kFewTileKeys) {
    KeyFragment<kGroups> halves[2];
    halves[0].load(keys, first);
    halves[1].load(keys, first + 16);
    for (int head = warp_id() * kTileHeads; head < heads; head += kWarps * kTileHeads) {
      multiply_keys(halves[0], queries, head, products + head * kProductStep);
      multiply_keys(halves[1], queries, head, products + head * kProductStep + 16);
    }
    __syncthreads();
    if (warp_id() == 0 && first + lane_id() < keys.visible) {
      float score = 0.0F;
      for (int head = 0; head < heads; ++head) score += weights[head] * products[head * kProductStep + lane_id()];
      scores[first + lane_id()] = score;
    }
    __syncthreads();
  }
}

template <int kGroups>
__device__ void score_grid(const IndexScoresKernel& args, const Share& share, const TokenKeys& keys,
                           const QueryCodes& queries, float* products, const float* weights, float* scores) {
  if (args.shape.shares_heads != 0)
    return score_few_codes<kGroups>(args, share, keys, queries, products, weights, scores);
  score_codes<kGroups>(args, share, keys, queries, products + warp_id() * kTileHeads * kProductStep, weights, scores);
}

// The chain over columns of up to four heads for a lane's key.
__device__ inline void multiply_chains(const float* q, int dim, int count, const float* key, float* products) {
  float sums[kHeadsAtOnce] = {};
  for (int column = 0; column < dim; ++column) {
    const float value = key[column * kProductStep];
#pragma unroll
    for (int head = 0; head < kHeadsAtOnce; ++head)
      if (head < count) sums[head] += q[head * dim + column] * value;
  }
  for (int head = 0; head < kHeadsAtOnce; ++head)
    if (head < count) products[head * kProductStep] = positive(sums[head]);
}

// The whole block takes 32 keys at a time: [index_dim][33] decoded, then products [heads][33].
__device__ inline void score_chains(const IndexScoresKernel& args, const Share& share, const TokenKeys& keys,
                                    const float* q, float* decoded, const float* weights, float* scores) {
  const IndexKeyShape shape = {.released = args.format.storage == CacheStorage::released,
                               .index_dim = static_cast<int>(args.format.index_dim),
                               .row_bytes = keys.row_bytes};
  const int heads = static_cast<int>(args.heads);
  float* products = decoded + shape.index_dim * kProductStep;
  for (std::int64_t first = share.part * kWarp; first < keys.visible; first += share.parts * kWarp) {
    __syncthreads();
    const std::int64_t entry = first + lane_id();
    for (int column = warp_id(); column < shape.index_dim; column += kWarps)
      decoded[column * kProductStep + lane_id()] =
          entry < keys.visible ? index_key_value(shape, keys.row(entry), column) : 0.0F;
    __syncthreads();
    for (int head = warp_id() * kHeadsAtOnce; head < heads; head += kWarps * kHeadsAtOnce)
      multiply_chains(q + head * shape.index_dim, shape.index_dim, min(kHeadsAtOnce, heads - head), decoded + lane_id(),
                      products + head * kProductStep + lane_id());
    __syncthreads();
    if (warp_id() == 0 && entry < keys.visible) {
      float score = 0.0F;
      for (int head = 0; head < heads; ++head) score += weights[head] * products[head * kProductStep + lane_id()];
      scores[entry] = score;
    }
  }
}

// A token's scores, or a share of them, by a block.
__device__ inline void score_token(const IndexScoresKernel& args, std::int64_t row_bytes, std::int64_t query,
                                   const Share& share, unsigned char* shared) {
  const std::int64_t token = args.first + query;
  const PlacedRun& run = args.runs[args.runs.run_of_row(token)];
  const TokenKeys keys = {&run, (run.start + token - run.first_row + 1) / args.ratio, row_bytes};
  const int heads = static_cast<int>(args.heads);
  const int dim = static_cast<int>(args.format.index_dim);
  auto* weights = reinterpret_cast<float*>(shared);
  for (int head = threadIdx.x; head < heads; head += kThreads) weights[head] = args.weights[token * heads + head];
  __syncthreads();
  unsigned char* rest = shared + (heads + 3) / 4 * 16;
  const float* q = args.q + token * heads * dim;
  float* scores = args.scores + query * args.score_step;
  const bool grid = args.format.storage == CacheStorage::released && (dim == 128 || dim == 64 || dim == 32);
  const QueryCodes queries(rest, heads, dim);
  if (!grid || !encode_queries(args, q, queries)) {
    score_chains(args, share, keys, q, reinterpret_cast<float*>(rest), weights, scores);
    return;
  }
  const int padded = (heads + kTileHeads - 1) / kTileHeads * kTileHeads;
  float* products = queries.scales + padded * queries.groups;
  if (dim == 128) {
    score_grid<4>(args, share, keys, queries, products, weights, scores);
  } else if (dim == 64) {
    score_grid<2>(args, share, keys, queries, products, weights, scores);
  } else {
    score_grid<1>(args, share, keys, queries, products, weights, scores);
  }
}

// Bytes of shared memory that score_token wants.
inline std::int64_t token_bytes(const IndexScoresKernel& args) {
  const std::int64_t padded = (args.heads + kTileHeads - 1) / kTileHeads * kTileHeads;
  const std::int64_t dim = args.format.index_dim;
  const std::int64_t lines = padded > kWarps * kTileHeads ? padded : kWarps * kTileHeads;  // of products
  const std::int64_t codes = padded * (dim + 16 + 4 * (dim / kWarp)) + lines * kProductStep * 4;
  const std::int64_t chains = (dim + args.heads) * kProductStep * 4;
  return (args.heads + 3) / 4 * 16 + (codes > chains ? codes : chains);
}

}  // namespace fathom::cuda::index_scores
