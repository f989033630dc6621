// Scores of many tokens: four side by side see nearly the same keys, which a warp takes once for all of them. Codes of
// groups whose scales lie no more than 2^3 apart are shifted to the smallest, so that a whole row is one sum of whole
// numbers, and the scale of a head goes into its weight; both are exact, so that scores have the bits of score_token.
// It computes the tokens that have a row with scales farther apart, or anything else out of the common.
//
// Matrix steps number the columns of a group their own way: thread t of four has columns 8 t .. 8 t + 7, which lie side
// by side in a key. Heads are numbered so that it has heads 4 t .. 4 t + 3 of sixteen.
#pragma once

#include "fathom/backends/cuda/kernels/index_score_token.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"

namespace fathom::cuda::index_scores {

constexpr int kTokens = 4;  // of a block
constexpr std::int64_t kManyTokens = 64;
constexpr std::int64_t kMostHeads = 128;  // whose codes find room in shared memory
constexpr int kDim = 128;
constexpr int kGroups = kDim / kWarp;
constexpr int kSetHeads = 16;   // of two matrix steps
constexpr int kSetWords = 512;  // of a set's codes
constexpr unsigned kMostShift = 3;
// Powers of two between which scales and weights lie, so that nothing is lost when they change places.
constexpr unsigned kLeastExponent = 127 - 40;
constexpr unsigned kMostExponent = 127 + 40;
constexpr float kLeastWeight = 0x1p-50F;
constexpr float kMostWeight = 0x1p50F;
constexpr int kSumStart = 0x4b400000;  // 3 * 2^22 as a float: whole numbers below 2^22 added to the bits add to it

struct TokensMemory {
  unsigned* codes;   // [kTokens][sets][kSetWords]: of a lane 16 bytes, then the next lane's
  float* weights;    // [kTokens][sets][kSetHeads]
  float4* products;  // [kWarps][kWarp keys][kSetHeads / 4]
  int sets;

  __device__ TokensMemory(unsigned char* shared, int heads) : sets((heads + kSetHeads - 1) / kSetHeads) {
    codes = reinterpret_cast<unsigned*>(shared);
    weights = reinterpret_cast<float*>(codes + kTokens * sets * kSetWords);
    products = reinterpret_cast<float4*>(weights + kTokens * sets * kSetHeads);
  }
};

inline std::int64_t tokens_bytes(std::int64_t heads) {
  const std::int64_t sets = (heads + kSetHeads - 1) / kSetHeads;
  return kTokens * sets * (kSetWords + kSetHeads) * 4 + kWarps * kWarp * kSetHeads * 4;
}

// The word of a token's codes that a lane's four columns of a head are.
__device__ inline int word_of(int head, int lane) {
  const int place = head % kSetHeads;
  const int step = place / 2 % 2;
  const int column = place / 4 * 2 + place % 2;
  const int word = lane / 8 * 2 + lane % 2;
  return head / kSetHeads * kSetWords + ((step * 2 + word / 4) * kWarp + column * 4 + lane % 8 / 2) * 4 + word % 4;
}

// Scales of four groups.
struct Scales {
  unsigned lowest;
  unsigned highest;

  __device__ bool none() const { return highest < lowest; }
  __device__ bool are_near() const {
    return highest - lowest <= kMostShift && lowest >= kLeastExponent && lowest <= kMostExponent;
  }
};

// One head's codes and weight by a warp; false: not for this way.
__device__ inline bool encode_head(const float4& x, float weight, int head, unsigned* codes, float* weights) {
  const float values[4] = {x.x, x.y, x.z, x.w};
  unsigned amax_bits = 0;
#pragma unroll
  for (const float value : values) amax_bits = max(amax_bits, __float_as_uint(fabsf(value)));
#pragma unroll
  for (int distance = 1; distance < 8; distance *= 2)
    amax_bits = max(amax_bits, __shfl_xor_sync(kAllLanes, amax_bits, distance));
  const unsigned exponent = query_exponent(amax_bits);
  const float up = 2.0F * widened_e8m0(254U - exponent);
  bool exact = amax_bits < 0x7f800000U;
  unsigned code[4];
#pragma unroll
  for (int column = 0; column < 4; ++column) {
    const float doubled = values[column] * up;
    const int whole = static_cast<int>(doubled);
    exact = exact && is_code(whole) && static_cast<float>(whole) == doubled;
    code[column] = static_cast<unsigned>(whole);
  }
  Scales scales = amax_bits == 0 ? Scales{255, 0} : Scales{exponent, exponent};
#pragma unroll
  for (int distance = 8; distance < kWarp; distance *= 2) {
    scales.lowest = min(scales.lowest, __shfl_xor_sync(kAllLanes, scales.lowest, distance));
    scales.highest = max(scales.highest, __shfl_xor_sync(kAllLanes, scales.highest, distance));
  }
  if (scales.none()) scales = {127, 127};
  const bool near = scales.are_near();
  const unsigned shift = near && amax_bits != 0 ? exponent - scales.lowest : 0;
  const unsigned low = __byte_perm(code[0] << shift, code[1] << shift, 0x0040);
  const unsigned high = __byte_perm(code[2] << shift, code[3] << shift, 0x0040);
  codes[word_of(head, lane_id())] = __byte_perm(low, high, 0x5410);
  const float scaled = weight * (widened_e8m0(scales.lowest) * 0.25F);  // both codes are doubled
  if (lane_id() == 0) weights[head] = scaled;
  const float size = fabsf(scaled);
  return exact && near && (weight == 0.0F || (size >= kLeastWeight && size <= kMostWeight));
}

// All heads of the block's tokens from `token` on; the block's verdict, after a barrier.
__device__ inline bool encode_tokens(const IndexScoresKernel& args, std::int64_t token, int tokens,
                                     const TokensMemory& memory) {
  constexpr int kAtOnce = 4;  // heads that a warp reads before it looks at one
  const auto heads = static_cast<int>(args.heads);
  const int padded = memory.sets * kSetHeads;
  bool near = true;
  for (int first = warp_id(); first < tokens * padded; first += kWarps * kAtOnce) {
    float4 x[kAtOnce];
    float weight[kAtOnce];
#pragma unroll
    for (int turn = 0; turn < kAtOnce; ++turn) {
      const int place = first + turn * kWarps;
      const int head = place % padded;
      const std::int64_t row = (token + place / padded) * heads + head;
      const bool is_there = place < tokens * padded && head < heads;
      x[turn] = is_there ? reinterpret_cast<const float4*>(args.q + row * kDim)[lane_id()] : float4{};
      weight[turn] = is_there ? args.weights[row] : 0.0F;
    }
#pragma unroll
    for (int turn = 0; turn < kAtOnce; ++turn) {
      const int place = first + turn * kWarps;
      if (place >= tokens * padded) break;
      near = encode_head(x[turn], weight[turn], place % padded, memory.codes + place / padded * memory.sets * kSetWords,
                         memory.weights + place / padded * padded) &&
             near;
    }
  }
  return __syncthreads_and(near) != 0;
}

// A lane's key.
struct LaneKey {
  const std::byte* row;  // null: none
  unsigned shifts;       // a byte a group
  float scale;
};

__device__ inline bool is_zero_group(const std::byte* row, int group) {
  unsigned any = 0;
  for (int word = 0; word < 4; ++word) any |= *reinterpret_cast<const unsigned*>(row + group * 16 + word * 4);
  return (any & 0x77777777U) == 0;
}

// False: not for this way.
__device__ inline bool find_key(const std::byte* row, LaneKey& key) {
  constexpr unsigned kOfZeros = 2;  // no scale of a group of zeros lies above
  key = {row, 0, 1.0F};
  if (row == nullptr) return true;
  if (!aligned_to(row, 4)) return false;
  const unsigned bytes = *reinterpret_cast<const unsigned*>(row + kDim / 2);
  Scales scales = {255, 0};
  unsigned zeros = 0;
#pragma unroll
  for (int group = 0; group < kGroups; ++group) {
    const unsigned exponent = bytes >> 8 * group & 0xffU;
    if (exponent <= kOfZeros && is_zero_group(row, group)) {
      zeros |= 0xffU << 8 * group;
    } else {
      scales = {min(scales.lowest, exponent), max(scales.highest, exponent)};
    }
  }
  if (scales.none()) return true;
  if (!scales.are_near()) return false;
  key.shifts = __vsub4(bytes, scales.lowest * 0x01010101U) & ~zeros;
  key.scale = widened_e8m0(scales.lowest);
  return true;
}

// Four nibbles to four signed bytes, doubled and shifted.
__device__ inline unsigned shifted_nibbles(unsigned four, unsigned shift) {
  const unsigned sizes = __byte_perm(0x03020100U, 0x0c080604U, four & 0x7777U) << shift;
  unsigned spread = (four | four << 8) & 0x00ff00ffU;
  spread = (spread | spread << 4) & 0x0f0f0f0fU;
  const unsigned signs = (spread >> 3 & 0x01010101U) * 0xffU;
  return __vsub4(sizes ^ signs, signs);
}

// 32 keys as a warp holds them for the matrix units.
struct KeyRows {
  unsigned codes[2][kGroups][4];

  __device__ explicit KeyRows(const LaneKey& key) {
#pragma unroll
    for (int eight = 0; eight < 4; ++eight) {
      const int lane = eight * 8 + lane_id() / 4;
      const auto place = __shfl_sync(kAllLanes, reinterpret_cast<unsigned long long>(key.row), lane);
      const unsigned shifts = __shfl_sync(kAllLanes, key.shifts, lane);
      const auto* words = reinterpret_cast<const unsigned*>(place) + lane_id() % 4;
#pragma unroll
      for (int group = 0; group < kGroups; ++group) {
        const unsigned word = place == 0 ? 0U : words[group * 4];
        const unsigned shift = shifts >> 8 * group & 0xffU;
        codes[eight / 2][group][eight % 2] = shifted_nibbles(word & 0xffffU, shift);
        codes[eight / 2][group][2 + eight % 2] = shifted_nibbles(word >> 16, shift);
      }
    }
  }
};

// The weighted products of 32 keys with a set of heads, to products[key][head]; fours of heads are exchanged among keys
// so that eight lanes' lie in all banks.
__device__ inline void multiply_set(const KeyRows& keys, const unsigned* codes, const float* weights,
                                    float4* products) {
  int sums[2][2][4];
#pragma unroll
  for (int step = 0; step < 2; ++step) {
    uint4 halves[2];
#pragma unroll
    for (int half = 0; half < 2; ++half)
      halves[half] = reinterpret_cast<const uint4*>(codes)[(step * 2 + half) * kWarp + lane_id()];
    const unsigned words[kGroups][2] = {
        {halves[0].x, halves[0].y}, {halves[0].z, halves[0].w}, {halves[1].x, halves[1].y}, {halves[1].z, halves[1].w}};
#pragma unroll
    for (int sixteen = 0; sixteen < 2; ++sixteen) {
#pragma unroll
      for (int& sum : sums[sixteen][step]) sum = kSumStart;
#pragma unroll
      for (int group = 0; group < kGroups; ++group)
        multiply_step(sums[sixteen][step], keys.codes[sixteen][group], words[group][0], words[group][1]);
    }
  }
  const int four = lane_id() % 4;
  const float4 weight = reinterpret_cast<const float4*>(weights)[four];
  const auto relu = [](int sum) { return fmaxf(__int_as_float(sum) - __int_as_float(kSumStart), 0.0F); };
#pragma unroll
  for (int eight = 0; eight < 4; ++eight) {
    const int key = eight * 8 + lane_id() / 4;
    const int(&own)[2][4] = sums[eight / 2];
    const int first = eight % 2 * 2;
    products[key * 4 + (four ^ (key / 2 % 4))] = {weight.x * relu(own[0][first]), weight.y * relu(own[0][first + 1]),
                                                  weight.z * relu(own[1][first]), weight.w * relu(own[1][first + 1])};
  }
}

// The score of a lane's key.
__device__ inline float score_key(const KeyRows& keys, const TokensMemory& memory, int token, float4* products) {
  float score = 0.0F;
  for (int set = token * memory.sets; set < (token + 1) * memory.sets; ++set) {
    multiply_set(keys, memory.codes + set * kSetWords, memory.weights + set * kSetHeads, products);
    __syncwarp();
#pragma unroll
    for (int four = 0; four < kSetHeads / 4; ++four) {
      const float4 terms = products[lane_id() * 4 + (four ^ (lane_id() / 2 % 4))];
      score += terms.x;
      score += terms.y;
      score += terms.z;
      score += terms.w;
    }
    __syncwarp();
  }
  return score;
}

// Tokens of one run, side by side.
struct RunTokens {
  const PlacedRun* run;
  std::int64_t query;     // the first of these
  std::int64_t position;  // of the first
  int count;
};

// A warp's share of the scores; false: not for this way.
__device__ inline bool score_tokens(const IndexScoresKernel& args, const RunTokens& tokens, const Share& share,
                                    const TokensMemory& memory) {
  const std::int64_t visible = (tokens.position + tokens.count) / args.ratio;  // by the last
  const auto rows_per_page = static_cast<unsigned>(tokens.run->rows_per_page);
  constexpr std::int64_t kRowBytes = kDim / 2 + kGroups;
  float4* products = memory.products + warp_id() * kWarp * (kSetHeads / 4);
  for (std::int64_t first = share.part * kScoreTileKeys + warp_id() * kWarp; first < visible;
       first += share.parts * kScoreTileKeys) {
    const auto entry = static_cast<unsigned>(first) + lane_id();
    const std::byte* row = nullptr;
    if (entry < visible)
      row = tokens.run->pages[entry / rows_per_page] + tokens.run->offset + entry % rows_per_page * kRowBytes;
    LaneKey key;
    if (!__all_sync(kAllLanes, find_key(row, key))) return false;
    const KeyRows keys(key);
    for (int token = 0; token < tokens.count; ++token) {
      const std::int64_t seen = (tokens.position + token + 1) / args.ratio;
      if (first >= seen) continue;  // of the whole warp
      const float score = score_key(keys, memory, token, products);
      if (entry < seen) args.scores[(tokens.query + token) * args.score_step + entry] = score * key.scale;
    }
  }
  return true;
}

// A block four tokens and a share of their keys; those with the most keys come first.
__global__ void __launch_bounds__(kThreads, 2)
    many_tokens(const __grid_constant__ IndexScoresKernel args, std::int64_t row_bytes, std::int64_t parts) {
  begin_in_turn();
  extern __shared__ __align__(16) unsigned char shared[];
  const TokensMemory memory(shared, static_cast<int>(args.heads));
  const std::int64_t block = (args.count + kTokens - 1) / kTokens - 1 - blockIdx.x / parts;
  const Share share = {.part = blockIdx.x % parts, .parts = parts};
  const std::int64_t end = min(args.count, (block + 1) * kTokens);
  for (std::int64_t query = block * kTokens; query < end;) {
    const std::int64_t token = args.first + query;
    const PlacedRun& run = args.runs[args.runs.run_of_row(token)];
    const auto count = static_cast<int>(min(end - query, run.first_row + run.tokens - token));
    const RunTokens tokens = {&run, query, run.start + token - run.first_row, count};
    bool near = encode_tokens(args, token, count, memory);
    if (near) near = score_tokens(args, tokens, share, memory);
    if (__syncthreads_and(near) == 0) {
      for (int other = 0; other < count; ++other) {
        score_token(args, row_bytes, query + other, share, shared);
        __syncthreads();
      }
    }
    query += count;
  }
}

inline bool are_many_tokens(const IndexScoresKernel& args) {
  return args.count >= kManyTokens && args.heads <= kMostHeads && args.format.storage == CacheStorage::released &&
         args.format.index_dim == kDim && reinterpret_cast<std::uintptr_t>(args.q) % 16 == 0;
}

inline void launch_many_tokens(IndexScoresKernel args, Stream stream) {
  args.shape.shares_heads = 0;  // a token that goes the way of one has the tiles that its share was cut in
  const std::int64_t blocks = (args.count + kTokens - 1) / kTokens;
  const std::int64_t tiles = (args.score_step + kScoreTileKeys - 1) / kScoreTileKeys;
  const std::int64_t wanted = args.shape.blocks_per_token > 1 ? kTokens * args.shape.blocks_per_token : 1;
  const std::int64_t parts = wanted < tiles ? wanted : tiles;
  const std::int64_t few = token_bytes(args);
  const std::int64_t many = tokens_bytes(args.heads);
  launch(stream, "index_scores",
         {.blocks = {static_cast<unsigned>(blocks * parts)},
          .threads = kThreads,
          .shared_bytes = static_cast<unsigned>(few > many ? few : many),
          .chained = stream.chained},
         many_tokens, args, args.format.row_bytes(), parts);
}

}  // namespace fathom::cuda::index_scores
