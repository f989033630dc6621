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
    const int head = unit.group / kParts;
    Columns columns;
    if (unit.group % kParts == 0) {
      add_squares<true>(totals, columns);
      each_four(totals, [&](int place, float4& values) { kept[place * kTurnedConsumers] = values; });
      each_four(columns.of,
                [&](int place, float4& values) { kept[(kTotalFours + place) * kTurnedConsumers] = values; });
      return;
    }
    each_four(columns.of, [&](int place, float4& values) { values = kept[(kTotalFours + place) * kTurnedConsumers]; });
    add_squares<false>(totals, columns);
    const float scales[2] = {scale_of(columns.of[0], args.eps), scale_of(columns.of[1], args.eps)};
    write<true>(args, unit, head, scales, totals);
    each_four(totals, [&](int place, float4& values) { values = kept[place * kTurnedConsumers]; });
    write<false>(args, unit, head, scales, totals);
  }

 private:
  static constexpr int kDim = 512;
  static constexpr int kPairs = 32;  // that turn
  static constexpr int kTotalFours = kTurnedTiles * kTurnedSums / 4;
  static constexpr int kColumns = 8;  // of row_sum's 32: a thread's of a row, 8 i + 2 t + c of four i
  static_assert(kTurnedKept == (kTotalFours + 2 * kColumns / 4) * kTurnedConsumers);

  struct Columns {
    float of[2][kColumns];  // of two rows
  };

  template <int kRows, int kWidth, typename Use>
  __device__ static void each_four(float (&values)[kRows][kWidth], const Use& use) {
#pragma unroll
    for (int row = 0; row < kRows; ++row)
#pragma unroll
      for (int place = 0; place < kWidth; place += 4) {
        float4 four = {values[row][place], values[row][place + 1], values[row][place + 2], values[row][place + 3]};
        use((row * kWidth + place) / 4, four);
        values[row][place] = four.x;
        values[row][place + 1] = four.y;
        values[row][place + 2] = four.z;
        values[row][place + 3] = four.w;
      }
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

  // A unit's half of the head; the second ends with the columns that turn. A warp writes eight rows' 32 bytes at a
  // time.
  template <bool kSecond>
  __device__ static void write(const Args& args, const TurnedUnit& unit, int head, const float (&scales)[2],
                               TurnedTotals& totals) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = turned_row() + 8 * half;
      const bool is_there = row < unit.rows;
      const std::int64_t token = std::int64_t{unit.first_chunk} * kPrefillColumns + row;
      std::uint32_t* const out = args.out + (token * args.heads + head) * (kDim / 2) + (kSecond ? kDim / 4 : 0) +
                                 turned_quarter() % 2 * 4 + turned_quarter() / 2 * 2;
#pragma unroll
      for (int tile = 0; tile < kTurnedTiles; ++tile) {
        const bool turns = kSecond && tile == kTurnedTiles - 1;
        const auto pair = [&](int index) {
          const float first = totals[tile][4 * index + 2 * half] * scales[half];
          const float second = totals[tile][4 * index + 2 * half + 1] * scales[half];
          if (!turns) return packed(first, second);
          const std::int64_t angle = token * kPairs + 4 * index + turned_quarter();
          const float cosine = is_there ? args.cosine[angle] : 0.0F;
          const float sine = is_there ? args.sine[angle] : 0.0F;
          return packed(first * cosine - second * sine, first * sine + second * cosine);
        };
#pragma unroll
        for (int index = 0; index < kTurnedSums / 4; index += 2) {
          const uint2 words = neighbours(pair(index), pair(index + 1));
          if (is_there) *reinterpret_cast<uint2*>(out + tile * (kTileRows / 2) + 4 * index) = words;
        }
      }
    }
  }
};

}  // namespace fathom::cuda
