// Many rows to e4m3, whose bytes are those of pack (pack_rows.cu): a warp takes eight rows, which lie side by side in
// their block in pieces of 16 bytes, so that it stores whole lines of 128.
#pragma once

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_rows.h"
#include "fathom/backends/cuda/kernels/pack_values.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda::pack_e4m3 {

constexpr int kRows = 8;                         // of a warp
constexpr int kWarps = kPrefillColumns / kRows;  // a block has the rows of a chunk
constexpr int kBlocks = 4;                       // of 128 inputs, one after the other
constexpr int kStep = kBlockInputs / 4 + 4;      // words of a row in shared memory: eight rows' pieces are in all banks

// NaN is the largest.
__device__ inline float largest_of(float a, float b) {
  float largest = 0.0F;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(largest) : "f"(fabsf(a)), "f"(fabsf(b)));
  return largest;
}

// The largest magnitude of the warp's, as bits: those of magnitudes are in their order, infinity and NaN above.
__device__ inline unsigned largest_bits(const float4& x) {
  const float largest = largest_of(largest_of(x.x, x.y), largest_of(x.z, x.w));
  return __reduce_max_sync(kAllLanes, __float_as_uint(largest));
}

// ceil(log2(largest / 448)) in integers: 448 is 1.75 * 2^8.
__device__ inline int exponent_for(unsigned largest) {
  constexpr unsigned kInfinity = 0x7f800000U;
  const float floored = fmaxf(__uint_as_float(largest), kSmallestLargest);
  return largest == kInfinity ? 0 : static_cast<int>((__float_as_uint(floored) + 0x1fffffU) >> 23) - (127 + 8);
}

struct Words {
  std::uint32_t rows[kRows][kStep];
};

struct Rows {
  int row[kRows];  // of x, -1: zeros
  float weight[kRows];
};

__device__ inline Rows rows_of(const PackWork& work, std::int64_t first) {
  const std::int64_t packed_row = first + lane_id() % kRows;
  const std::int64_t slot = work.slots != nullptr ? work.slots[packed_row] : packed_row < work.rows ? packed_row : -1;
  const auto row = static_cast<int>(slot < 0 ? -1 : work.up != nullptr ? packed_row : slot / work.slots_of_row);
  const float weight = work.weights != nullptr && slot >= 0 ? work.weights[slot] : 1.0F;
  Rows rows;
#pragma unroll
  for (int index = 0; index < kRows; ++index) {
    rows.row[index] = __shfl_sync(kAllLanes, row, index);
    rows.weight[index] = __shfl_sync(kAllLanes, weight, index);
  }
  return rows;
}

template <bool kActivated>
__device__ inline void load(const PackWork& work, const Rows& rows, std::int64_t input, float4 (&x)[kRows]) {
  const auto at = [&](const float* from, int index) {
    const auto place = rows.row[index] * work.row_stride + input;
    return rows.row[index] < 0 ? float4{} : *reinterpret_cast<const float4*>(from + place);
  };
#pragma unroll
  for (int index = 0; index < kRows; ++index) x[index] = at(work.x, index);
  if constexpr (kActivated) {
    float4 up[kRows];
#pragma unroll
    for (int index = 0; index < kRows; ++index) up[index] = at(work.up, index);
#pragma unroll
    for (int index = 0; index < kRows; ++index)
      if (rows.row[index] >= 0) x[index] = swiglu(x[index], up[index], work.limit, rows.weight[index]);
  }
}

// Blocks of inputs first or rows first: rows that are read several times come round while they are in the cache.
struct Order {
  int inner;  // thread blocks of the dimension that comes first
  std::int32_t rows_first;
};

template <bool kActivated>
__global__ void __launch_bounds__(kWarps* kWarp, 2) pack_rows(const __grid_constant__ PackWork work, Order order) {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  __shared__ Words words[kWarps];
  const int inner = static_cast<int>(blockIdx.x) % order.inner;
  const int outer = static_cast<int>(blockIdx.x) / order.inner;
  const std::int64_t chunk = order.rows_first != 0 ? inner : outer;
  const std::int64_t first_block = std::int64_t{order.rows_first != 0 ? outer : inner} * kBlocks;
  const std::int64_t first = chunk * kPrefillColumns + warp_id() * kRows;
  if (first >= (work.row_limit != nullptr ? *work.row_limit : work.packed_rows)) return;
  const Rows rows = rows_of(work, first);
  constexpr int kBytes = block_bytes(Operand::e4m3, kPrefillColumns);
  std::uint8_t* blocks = work.blocks + (blockIdx.y * work.chunks + chunk) * work.x_blocks * kBytes;
  std::uint32_t(&staged)[kRows][kStep] = words[warp_id()].rows;
  for (std::int64_t block = first_block; block < min(first_block + kBlocks, work.x_blocks); ++block) {
    float4 x[kRows];
    load<kActivated>(work, rows, blockIdx.y * work.group_stride + block * kBlockInputs + 4 * lane_id(), x);
    float scale = 0.0F;
#pragma unroll
    for (int index = 0; index < kRows; ++index) {
      const unsigned largest = largest_bits(x[index]);
      const int exponent = exponent_for(largest);
      staged[index][lane_id()] = four_e4m3(scaled(x[index], power(-exponent)));
      if (lane_id() == index) scale = isfinite(__uint_as_float(largest)) ? power(exponent) : NAN;
    }
    __syncwarp();
    std::uint8_t* to = blocks + block * kBytes;
    const int column = warp_id() * kRows + lane_id() % kRows;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int piece = half * 4 + lane_id() / kRows;
      *reinterpret_cast<uint4*>(to + block_offset(Operand::e4m3, column, piece * 16)) =
          *reinterpret_cast<const uint4*>(&staged[lane_id() % kRows][piece * 4]);
    }
    if (lane_id() < kRows) reinterpret_cast<float*>(to + kPrefillColumns * kBlockInputs)[column] = scale;
    __syncwarp();
  }
}

// `work` as launch_pack completes it.
inline bool fits(const PackWork& work) {
  return work.columns == kPrefillColumns && work.aligned && work.in % kBlockInputs == 0 &&
         reinterpret_cast<std::uintptr_t>(work.blocks) % 16 == 0;
}

inline void launch_rows(int capability, const PackWork& work, Stream stream) {
  const auto chunks = static_cast<int>(work.packed_rows / kPrefillColumns);
  const auto inputs = static_cast<int>(pieces_of(work.x_blocks, kBlocks));
  const bool rows_first = work.slots != nullptr && work.up == nullptr;
  const Order order = {.inner = rows_first ? chunks : inputs, .rows_first = rows_first ? 1 : 0};
  launch(stream, "pack_rows",
         {.blocks = {static_cast<unsigned>(chunks) * static_cast<unsigned>(inputs), static_cast<unsigned>(work.groups)},
          .threads = kWarps * kWarp,
          .chained = capability >= 90},
         work.up != nullptr ? pack_rows<true> : pack_rows<false>, work, order);
}

}  // namespace fathom::cuda::pack_e4m3
