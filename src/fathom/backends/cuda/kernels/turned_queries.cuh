// The end of a turned product that makes queries: RMSNorm of each head's 512, rotation of the last 64, bfloat16, with
// the bits of norm_rotate (norm_rotate_few.cuh) before that rounding. A head is two units of the same block. What the
// first leaves waits in memory of the block's own until the second has the head's sum of squares.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/matrix.cuh"
#include "fathom/backends/cuda/kernels/turned_ends.cuh"

namespace fathom::cuda {

struct TurnedQueries {
  using Args = TurnedQueriesArgs;
  static constexpr int kParts = 2;
  static constexpr bool kTwoWeights = false;

  __device__ static void take(const ProductWork& /*work*/, const Args& args, const TurnedUnit& unit,
                              TurnedTotals& totals) {
    float4* const kept = args.kept + std::int64_t{blockIdx.x} * kTurnedKept + threadIdx.x;
    float4* const kept_columns = kept + kTurnedTiles * kTileFours * kTurnedConsumers;
    Columns columns;
    if (unit.group % kParts == 0) {
      add_squares<true>(totals, columns);
#pragma unroll
      for (int tile = 0; tile < kTurnedTiles; ++tile) keep(kept + tile * kTileFours * kTurnedConsumers, totals[tile]);
#pragma unroll
      for (int half = 0; half < 2; ++half)
        keep(kept_columns + half * kColumnFours * kTurnedConsumers, columns.of[half]);
      return;
    }
#pragma unroll
    for (int half = 0; half < 2; ++half) fetch(kept_columns + half * kColumnFours * kTurnedConsumers, columns.of[half]);
    const Angles angles = angles_of(args, unit);
    add_squares<false>(totals, columns);
    const float scales[2] = {scale_of(columns.of[0], args.eps), scale_of(columns.of[1], args.eps)};
#pragma unroll
    for (int tile = 0; tile < kTurnedTiles; ++tile) {
      write<true>(args, unit, tile, scales, angles, totals[tile]);
      fetch(kept + tile * kTileFours * kTurnedConsumers, totals[tile]);  // the first unit's are on their way meanwhile
    }
#pragma unroll
    for (int tile = 0; tile < kTurnedTiles; ++tile) write<false>(args, unit, tile, scales, angles, totals[tile]);
  }

 private:
  static constexpr int kDim = 512;
  static constexpr int kPairs = 32;   // that turn
  static constexpr int kColumns = 8;  // of row_sum's 32: a thread's of a row, 8 i + 2 t + c of four i
  static constexpr int kTileFours = kTurnedSums / 4;
  static constexpr int kColumnFours = kColumns / 4;
  static_assert(kTurnedKept == (kTurnedTiles * kTileFours + 2 * kColumnFours) * kTurnedConsumers);

  struct Columns {
    float of[2][kColumns];  // of two rows
  };

  template <int kWidth>
  __device__ static void keep(float4* to, const float (&values)[kWidth]) {
#pragma unroll
    for (int four = 0; four < kWidth / 4; ++four)
      to[four * kTurnedConsumers] = {values[4 * four], values[4 * four + 1], values[4 * four + 2],
                                     values[4 * four + 3]};
  }
  template <int kWidth>
  __device__ static void fetch(const float4* from, float (&values)[kWidth]) {
#pragma unroll
    for (int four = 0; four < kWidth / 4; ++four) {
      const float4 there = from[four * kTurnedConsumers];
      values[4 * four] = there.x;
      values[4 * four + 1] = there.y;
      values[4 * four + 2] = there.z;
      values[4 * four + 3] = there.w;
    }
  }

  // Of two rows' pairs that turn, all fetched at once: one after the other, between stores, each would be waited for.
  struct Angles {
    float cosine[2][kTurnedSums / 4];
    float sine[2][kTurnedSums / 4];
  };
  __device__ static Angles angles_of(const Args& args, const TurnedUnit& unit) {
    Angles angles;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = turned_row() + 8 * half;
      const std::int64_t first = token_of(unit, row) * kPairs + turned_quarter();
#pragma unroll
      for (int index = 0; index < kTurnedSums / 4; ++index) {
        angles.cosine[half][index] = row < unit.rows ? __ldg(args.cosine + first + 4 * index) : 0.0F;
        angles.sine[half][index] = row < unit.rows ? __ldg(args.sine + first + 4 * index) : 0.0F;
      }
    }
    return angles;
  }
  __device__ static std::int64_t token_of(const TurnedUnit& unit, int row) {
    return std::int64_t{unit.first_chunk} * kPrefillColumns + row;
  }

  // Each column's chain over its lines of 32, eight of a unit.
  template <bool kFirst>
  __device__ static void add_squares(const TurnedTotals& totals, Columns& columns) {
#pragma unroll
    for (int half = 0; half < 2; ++half)
#pragma unroll
      for (int column = 0; column < kColumns; ++column) {
        float sum = kFirst ? 0.0F : columns.of[half][column];
#pragma unroll
        for (int line = 0; line < 2 * kTurnedTiles; ++line) {
          const float value = totals[line / 2][4 * (line % 2 * 4 + column / 2) + 2 * half + column % 2];
          sum += value * value;
        }
        columns.of[half][column] = sum;
      }
  }

  // join_whole_columns of a row, whose columns lie with the four threads of a quad.
  __device__ static float scale_of(const float (&columns)[kColumns], float eps) {
    float lanes[2];
#pragma unroll
    for (int of = 0; of < 2; ++of) lanes[of] = ((columns[of] + columns[2 + of]) + columns[4 + of]) + columns[6 + of];
    float squares = 0.0F;
#pragma unroll
    for (int quarter = 0; quarter < 4; ++quarter)
#pragma unroll
      for (int of = 0; of < 2; ++of) squares += __shfl_sync(kAllLanes, lanes[of], quarter, 4);
    return 1.0F / sqrtf(squares / static_cast<float>(kDim) + eps);
  }

  // A tile of a unit's half of the head; the second half ends with the columns that turn. A warp writes eight rows' 32
  // bytes at a time.
  template <bool kSecond>
  __device__ static void write(const Args& args, const TurnedUnit& unit, int tile, const float (&scales)[2],
                               const Angles& angles, const float (&totals)[kTurnedSums]) {
    const bool turns = kSecond && tile == kTurnedTiles - 1;
    const int word =
        (kSecond ? kDim / 4 : 0) + tile * (kTileRows / 2) + turned_quarter() % 2 * 4 + turned_quarter() / 2 * 2;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = turned_row() + 8 * half;
      std::uint32_t* const out =
          args.out + (token_of(unit, row) * args.heads + unit.group / kParts) * (kDim / 2) + word;
      const auto pair = [&](int index) {
        const float first = totals[4 * index + 2 * half] * scales[half];
        const float second = totals[4 * index + 2 * half + 1] * scales[half];
        if (!turns) return packed(first, second);
        const float cosine = angles.cosine[half][index];
        const float sine = angles.sine[half][index];
        return packed(first * cosine - second * sine, first * sine + second * cosine);
      };
#pragma unroll
      for (int index = 0; index < kTurnedSums / 4; index += 2) {
        const uint2 words = neighbours(pair(index), pair(index + 1));
        if (row < unit.rows) *reinterpret_cast<uint2*>(out + 4 * index) = words;
      }
    }
  }
};

}  // namespace fathom::cuda
