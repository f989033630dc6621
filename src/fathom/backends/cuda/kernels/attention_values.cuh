// How the values of a query's heads leave the two warpgroups that have them, each every second band of 64 columns: as
// float32, or turned back and rounded to e4m3 as the product behind them reads its rows, with the bits of rotate and of
// pack (pack_rows.cu) behind it.
#pragma once

#include "fathom/backends/cuda/kernels/attention_weights.cuh"
#include "fathom/backends/cuda/kernels/attention_widened.h"
#include "fathom/backends/cuda/kernels/pack_values.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"

namespace fathom::cuda {

constexpr int kPairs = kBands / 2;  // of bands: 128 columns, which have one power of two

// Of each band, for two queries in turn: one warpgroup may be a query ahead.
using LargestValues = float[2][2][kPairs][kBlockHeads];

#ifdef FATHOM_WARPGROUP_PRODUCTS

// Of two eights of columns the even lanes take the first, the odd ones the second: four columns each. `out` is the
// block's first head's.
__device__ inline void store_quads(float* out, int heads, int band, const BandValues& values) {
  const int lane = lane_id();
  const bool odd = lane % 2 != 0;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int head = head_of_thread(half);
    const bool there = head < heads;
    float* own = out + head * kDim + band * kLine + (odd ? 8 : 0) + lane % 4 / 2 * 4;
#pragma unroll
    for (int eights = 0; eights < kLine / 16; ++eights) {
      const float* first = values + eights * 8 + half * 2;
      const float* second = first + 4;
      const float x = __shfl_xor_sync(kAllLanes, odd ? first[0] : second[0], 1);
      const float y = __shfl_xor_sync(kAllLanes, odd ? first[1] : second[1], 1);
      const float4 quad = odd ? make_float4(x, y, second[0], second[1]) : make_float4(first[0], first[1], x, y);
      if (there) *reinterpret_cast<float4*>(own + eights * 16) = quad;
    }
  }
}

// What a thread's values are of.
struct TokenHeads {
  int token;
  int first_head;
  int heads;  // of the block
  int half;   // bands 2 pair + half
};

// The last band, by minus its angle.
__device__ inline void turn_back(const PackedValues& to, int token, BandValues& band) {
  constexpr int kTurned = kLine / 2;  // pairs
  const float* cosines = to.cosine + token * kTurned + lane_id() % 4;
  const float* sines = to.sine + token * kTurned + lane_id() % 4;
#pragma unroll
  for (int eight = 0; eight < kLine / 8; ++eight) {
    const float cosine = cosines[eight * 4];
    const float sine = -sines[eight * 4];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float& even = band[eight * 4 + half * 2];
      float& odd = band[eight * 4 + half * 2 + 1];
      const float real = even * cosine - odd * sine;
      odd = even * sine + odd * cosine;
      even = real;
    }
  }
}

// The largest magnitude of a head's 64 columns, NaN above all, in each of its four lanes.
__device__ inline float largest_of_band(const BandValues& band, int half) {
  float largest = 0.0F;
#pragma unroll
  for (int index = 0; index < kLine / 4; ++index)
    largest = largest_of(largest, band[index / 2 * 4 + half * 2 + index % 2]);
#pragma unroll
  for (int distance = 1; distance < 4; distance *= 2)
    largest = largest_of(largest, __shfl_xor_sync(kAllLanes, largest, distance));
  return largest;
}

// A head's lane has two columns of every eight: afterwards it has sixteen side by side, from 16 * (lane % 4) on.
__device__ inline uint4 sixteen_codes(const BandValues& band, int half, float factor) {
  std::uint32_t words[4];  // of two eights each
#pragma unroll
  for (int piece = 0; piece < 4; ++piece) {
    const float* first = band + piece * 8 + half * 2;
    words[piece] = four_e4m3(scaled({first[0], first[1], first[4], first[5]}, factor));
  }
  const bool high = (lane_id() & 2) != 0;
  const bool odd = (lane_id() & 1) != 0;
  const std::uint32_t far_0 = __shfl_xor_sync(kAllLanes, high ? words[0] : words[2], 2);
  const std::uint32_t far_1 = __shfl_xor_sync(kAllLanes, high ? words[1] : words[3], 2);
  const std::uint32_t own_0 = high ? words[2] : words[0];
  const std::uint32_t own_1 = high ? words[3] : words[1];
  const std::uint32_t beside = __shfl_xor_sync(kAllLanes, odd ? own_0 : own_1, 1);
  const std::uint32_t far_beside = __shfl_xor_sync(kAllLanes, odd ? far_0 : far_1, 1);
  const std::uint32_t own = odd ? own_1 : own_0;
  const std::uint32_t far = odd ? far_1 : far_0;
  // Of the two lanes beside each other, the even one's and the odd one's; then of the two others.
  const uint2 near_two = odd ? make_uint2(beside, own) : make_uint2(own, beside);
  const uint2 far_two = odd ? make_uint2(far_beside, far) : make_uint2(far, far_beside);
  const uint2 low = high ? far_two : near_two;
  const uint2 upper = high ? near_two : far_two;
  constexpr unsigned kFirst = 0x5410;  // halves of a word: the first eight's
  constexpr unsigned kSecond = 0x7632;
  return {__byte_perm(low.x, low.y, kFirst), __byte_perm(upper.x, upper.y, kFirst), __byte_perm(low.x, low.y, kSecond),
          __byte_perm(upper.x, upper.y, kSecond)};
}

// Both warpgroups call it for the same token. A lane stores sixteen inputs of a head's row, which lie eight rows apart.
__device__ inline void pack_values(const PackedValues& to, const TokenHeads& of,
                                   float (&largest)[2][kPairs][kBlockHeads], BandValues (&values)[kPairs]) {
  constexpr int kBlockBytes = block_bytes(Operand::e4m3, kPrefillColumns);
  if (of.half == 1) turn_back(to, of.token, values[kPairs - 1]);
  float own_largest[kPairs][2];
#pragma unroll
  for (int pair = 0; pair < kPairs; ++pair)
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      own_largest[pair][half] = largest_of_band(values[pair], half);
      if (lane_id() % 4 == 0) largest[of.half][pair][head_of_thread(half)] = own_largest[pair][half];
    }
  asm volatile("bar.sync 3, %0;" ::"n"(2 * kWarpgroupThreads) : "memory");
  const int column = of.token % kPrefillColumns;
  const int piece = of.half * (kLine / 16) + lane_id() % 4;
  const int offset = block_offset(Operand::e4m3, column, piece * 16);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int own = head_of_thread(half);
    const int head = of.first_head + own;
    // A group's heads follow each other, so that their blocks do too.
    std::uint8_t* blocks = to.blocks + (head * kPairs * to.chunks + of.token / kPrefillColumns) * kBlockBytes;
#pragma unroll
    for (int pair = 0; pair < kPairs; ++pair) {
      const unsigned most = __float_as_uint(largest_of(own_largest[pair][half], largest[of.half ^ 1][pair][own]));
      const int exponent = e4m3_exponent(most);
      const uint4 codes = sixteen_codes(values[pair], half, power(-exponent));
      if (own >= of.heads) continue;
      std::uint8_t* block = blocks + pair * to.chunks * kBlockBytes;
      *reinterpret_cast<uint4*>(block + offset) = codes;
      if (piece == 0)
        reinterpret_cast<float*>(block + kPrefillColumns * kBlockInputs)[column] = e4m3_scale(most, exponent);
    }
  }
}

#endif

}  // namespace fathom::cuda
