// What becomes of a turned unit's sums: rows of float32; e4m3 as the next product reads it, of the sums themselves or
// of SwiGLU of two weights'; queries, normed, turned and rounded (turned_queries.cuh).
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/pack_values.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"
#include "fathom/backends/cuda/kernels/turned_unit.cuh"

namespace fathom::cuda {

// A warp writes eight rows' 32 bytes at a time.
struct TurnedRows {
  using Args = TurnedRowsArgs;
  static constexpr int kParts = 1;  // consecutive groups that one block takes
  static constexpr bool kTwoWeights = false;

  __device__ static void take(const ProductWork& work, const Args& /*args*/, const TurnedUnit& unit,
                              const TurnedTotals& totals) {
    if (work.adds != 0)
      unit.is_whole() ? write<true, true>(unit, totals) : write<true, false>(unit, totals);
    else
      unit.is_whole() ? write<false, true>(unit, totals) : write<false, false>(unit, totals);
  }

 private:
  template <bool kAdds, bool kWhole>
  __device__ static void write(const TurnedUnit& unit, const TurnedTotals& totals) {
    const int output = 2 * turned_quarter();
    const int first = unit.first_output - output;
    const int last = unit.last_output - output;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = turned_row() + 8 * half;
      if (row >= unit.rows) continue;
      float* const out = unit.out + row * unit.row_stride + output;
      __builtin_assume(__isGlobal(out));
#pragma unroll
      for (int tile = 0; tile < kTurnedTiles; ++tile)
        write_tile<kAdds, kWhole>(out + tile * kTileRows, half, totals[tile], first - tile * kTileRows,
                                  last - tile * kTileRows);
    }
  }

  template <bool kAdds, bool kWhole>
  __device__ static void write_tile(float* out, int half, const float (&totals)[kTurnedSums], int first, int last) {
    constexpr int kPairs = kTurnedSums / 4;
    float2 before[kPairs] = {};  // all are on their way before the first is added to
    const auto holds = [&](int place) { return place >= first && place < last; };
    const auto each = [&](const auto& use) {
#pragma unroll
      for (int index = 0; index < kPairs; ++index) use(index, out + 8 * index);
    };
    if constexpr (kAdds)
      each([&](int index, const float* at) {
        if constexpr (kWhole) {
          before[index] = *reinterpret_cast<const float2*>(at);
        } else {
          if (holds(8 * index)) before[index].x = at[0];
          if (holds(8 * index + 1)) before[index].y = at[1];
        }
      });
    each([&](int index, float* at) {
      float2 value = {totals[4 * index + 2 * half], totals[4 * index + 2 * half + 1]};
      if constexpr (kAdds) value = {before[index].x + value.x, before[index].y + value.y};
      if constexpr (kWhole) {
        *reinterpret_cast<float2*>(at) = value;
      } else {
        if (holds(8 * index)) at[0] = value.x;
        if (holds(8 * index + 1)) at[1] = value.y;
      }
    });
  }
};

// Two words of a quad's neighbours: thread t has words t of two runs of four, and is left with the even thread's or the
// odd one's two of one run.
__device__ inline uint2 neighbours(std::uint32_t first, std::uint32_t second) {
  const bool odd = threadIdx.x % 2 != 0;
  const std::uint32_t other = __shfl_xor_sync(kAllLanes, odd ? first : second, 1);
  return odd ? uint2{other, second} : uint2{first, other};
}

// As pack_rows.cu packs them: a block of inputs of the next product is two tiles, or SwiGLU of two and two.
template <bool kSwiglu>
struct TurnedPacked {
  using Args = TurnedPackedArgs;
  static constexpr int kParts = 1;
  static constexpr bool kTwoWeights = kSwiglu;

  __device__ static void take(const ProductWork& /*work*/, const Args& args, const TurnedUnit& unit,
                              TurnedTotals& totals) {
    const int chunk = static_cast<int>(threadIdx.x) / kWarpgroupThreads;
    if (chunk >= unit.chunks) return;
    constexpr int kBlocks = kSwiglu ? 1 : 2;
    if constexpr (kSwiglu) {
#pragma unroll
      for (int tile = 0; tile < 2; ++tile)
#pragma unroll
        for (int index = 0; index < kTurnedSums; ++index)
          totals[tile][index] = swiglu(totals[tile][index], totals[tile + 2][index], args.limit, 1.0F);
    }
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      const std::int64_t at = (std::int64_t{unit.group} * kBlocks + block) * args.chunks + unit.first_chunk + chunk;
      std::uint8_t* to = args.blocks + at * block_bytes(Operand::e4m3, kPrefillColumns);
#pragma unroll
      for (int half = 0; half < 2; ++half) pack(to, half, totals[2 * block], totals[2 * block + 1]);
    }
  }

 private:
  using Tile = float[kTurnedSums];

  __device__ static void pack(std::uint8_t* to, int half, const Tile& first, const Tile& second) {
    float largest = 0.0F;
#pragma unroll
    for (int index = 0; index < kTurnedSums / 4; ++index) {
      const int at = 4 * index + 2 * half;
      largest =
          largest_of(largest, largest_of(largest_of(first[at], first[at + 1]), largest_of(second[at], second[at + 1])));
    }
    std::uint32_t bits = __float_as_uint(largest);
#pragma unroll
    for (int distance = 1; distance < 4; distance *= 2) bits = max(bits, __shfl_xor_sync(kAllLanes, bits, distance));
    const int exponent = e4m3_exponent(bits);
    const float factor = power(-exponent);
    const int row = turned_row() % kPrefillColumns + 8 * half;
    if (turned_quarter() == 0)
      reinterpret_cast<float*>(to + kPrefillColumns * kBlockInputs)[row] = e4m3_scale(bits, exponent);
    const auto two = [&](const Tile& tile, int index) {
      return static_cast<std::uint32_t>(__nv_cvt_float2_to_fp8x2(
          {tile[4 * index + 2 * half] * factor, tile[4 * index + 2 * half + 1] * factor}, __NV_SATFINITE, __NV_E4M3));
    };
    // Of sixteen inputs an even thread has the first eight's four bytes, an odd one the others'.
    const int byte = turned_quarter() % 2 * 8 + turned_quarter() / 2 * 4;
#pragma unroll
    for (int tile = 0; tile < 2; ++tile)
#pragma unroll
      for (int piece = 0; piece < kTileRows / 16; ++piece) {
        const Tile& of = tile == 0 ? first : second;
        const uint2 words = neighbours(two(of, 2 * piece), two(of, 2 * piece + 1));
        *reinterpret_cast<std::uint32_t*>(to + block_offset(Operand::e4m3, row, tile * kTileRows + piece * 16 + byte)) =
            words.x | words.y << 16;
      }
  }
};

}  // namespace fathom::cuda
