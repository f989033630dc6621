// Many rows, packed to the bytes of pack (pack_rows.cu): a warp takes eight, whose columns lie side by side in their
// block in pieces of 16 bytes, so that it stores whole lines of 128.
#pragma once

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_rows.h"
#include "fathom/backends/cuda/kernels/pack_values.cuh"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda::pack_many {

constexpr int kRows = 8;    // of a warp
constexpr int kBlocks = 4;  // of 128 inputs, one after the other

// A thread block has the rows of a chunk.
template <Operand kOperand>
struct Shape {
  static constexpr int kColumnsOfRow = columns_of_row(kOperand);
  static constexpr int kChunkRows = kPrefillColumns / kColumnsOfRow;
  static constexpr int kWarps = kChunkRows / kRows;
  static constexpr int kWords = kBlockInputs * operand_bytes(kOperand) / 4;
  static constexpr int kStep = kWords + 4;  // in shared memory, so that eight rows' pieces are in all banks
  static constexpr int kPieces = kWords / 4;
  using Words = std::uint32_t[kColumnsOfRow][kRows][kStep];
};

// A lane's four inputs of a row into shared memory; the exponent of their scale.
template <Operand kOperand>
__device__ inline int stage(typename Shape<kOperand>::Words& words, int row, const float4& x, unsigned largest) {
  if constexpr (kOperand == Operand::e4m3) {
    const int exponent = e4m3_exponent(largest);
    words[0][row][lane_id()] = four_e4m3(scaled(x, power(-exponent)));
    return exponent;
  } else {
    const int exponent = f16_exponent(largest);
    const float4 whole = scaled(x, power(-exponent));
    const int word = lane_id() / 4 * 8 + lane_id() % 4;  // inputs 4t, 4t+1 stand at 2t, inputs 4t+2, 4t+3 at 2t+8
    words[0][row][word] = two_halves(whole.x, whole.y);
    words[0][row][word + 4] = two_halves(whole.z, whole.w);
    words[1][row][word] = two_halves(rest_of_half(whole.x), rest_of_half(whole.y));
    words[1][row][word + 4] = two_halves(rest_of_half(whole.z), rest_of_half(whole.w));
    return exponent;
  }
}

template <Operand kOperand>
__device__ inline float scale_of(unsigned largest, int exponent, int part) {
  if constexpr (kOperand == Operand::e4m3) return e4m3_scale(largest, exponent);
  return isfinite(__uint_as_float(largest)) ? power(exponent - kRestBits * part) : NAN;
}

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

// A warp's rows of a block of inputs to columns [first_column, + 8) of the block at `to`.
template <Operand kOperand>
__device__ inline void write(typename Shape<kOperand>::Words& staged, const float4 (&x)[kRows],
                             const unsigned (&largest)[kRows], std::uint8_t* to, int first_column) {
  using Of = Shape<kOperand>;
  unsigned own_largest = 0;
  int own_exponent = 0;
#pragma unroll
  for (int index = 0; index < kRows; ++index) {
    const int exponent = stage<kOperand>(staged, index, x[index], largest[index]);
    if (lane_id() % kRows == index) own_largest = largest[index];
    if (lane_id() % kRows == index) own_exponent = exponent;
  }
  __syncwarp();
  const int row = lane_id() % kRows;
#pragma unroll
  for (int part = 0; part < Of::kColumnsOfRow; ++part) {
    const int column = part * Of::kChunkRows + first_column + row;
#pragma unroll
    for (int piece = lane_id() / kRows; piece < Of::kPieces; piece += kWarp / kRows)
      *reinterpret_cast<uint4*>(to + block_offset(kOperand, column, piece * 16)) =
          *reinterpret_cast<const uint4*>(&staged[part][row][piece * 4]);
    auto* scales = reinterpret_cast<float*>(to + kPrefillColumns * kBlockInputs * operand_bytes(kOperand));
    if (lane_id() < kRows) scales[column] = scale_of<kOperand>(own_largest, own_exponent, part);
  }
  __syncwarp();
}

template <Operand kOperand, bool kActivated>
__global__ void __launch_bounds__(Shape<kOperand>::kWarps* kWarp, 16 / Shape<kOperand>::kWarps)
    pack_rows(const __grid_constant__ PackWork work, Order order) {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  using Of = Shape<kOperand>;
  __shared__ __align__(16) typename Of::Words words[Of::kWarps];
  const int inner = static_cast<int>(blockIdx.x) % order.inner;
  const int outer = static_cast<int>(blockIdx.x) / order.inner;
  const std::int64_t chunk = order.rows_first != 0 ? inner : outer;
  const std::int64_t first_block = std::int64_t{order.rows_first != 0 ? outer : inner} * kBlocks;
  const std::int64_t first = chunk * Of::kChunkRows + warp_id() * kRows;
  if (first >= (work.row_limit != nullptr ? *work.row_limit : work.packed_rows)) return;
  const Rows rows = rows_of(work, first);
  constexpr int kBytes = block_bytes(kOperand, kPrefillColumns);
  std::uint8_t* blocks = work.blocks + (blockIdx.y * work.x_blocks * work.chunks + chunk) * kBytes;
  for (std::int64_t block = first_block; block < min(first_block + kBlocks, work.x_blocks); ++block) {
    float4 x[kRows];
    load<kActivated>(work, rows, blockIdx.y * work.group_stride + block * kBlockInputs + 4 * lane_id(), x);
    unsigned largest[kRows];
#pragma unroll
    for (int index = 0; index < kRows; ++index) largest[index] = largest_bits(x[index]);
    write<kOperand>(words[warp_id()], x, largest, blocks + block * work.chunks * kBytes, warp_id() * kRows);
  }
}

// Read once and packed both ways: `work` is e4m3's, a chunk of whose rows are two of binary16's.
struct SecondPacking {
  std::uint8_t* blocks;
  std::int64_t chunks;
};
__global__ void __launch_bounds__(Shape<Operand::e4m3>::kWarps* kWarp, 2)
    pack_rows_twice(const __grid_constant__ PackWork work, SecondPacking second) {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  using Whole = Shape<Operand::e4m3>;
  using Halves = Shape<Operand::f16>;
  static_assert(Whole::kChunkRows == 2 * Halves::kChunkRows && sizeof(Whole::Words) <= sizeof(Halves::Words));
  __shared__ __align__(16) typename Halves::Words words[Whole::kWarps];
  const auto inputs = static_cast<int>(pieces_of(work.x_blocks, kBlocks));
  const std::int64_t chunk = static_cast<int>(blockIdx.x) / inputs;
  const std::int64_t first_block = std::int64_t{static_cast<int>(blockIdx.x) % inputs} * kBlocks;
  const Rows rows = rows_of(work, chunk * Whole::kChunkRows + warp_id() * kRows);
  const std::int64_t half = 2 * chunk + warp_id() / Halves::kWarps;
  for (std::int64_t block = first_block; block < min(first_block + kBlocks, work.x_blocks); ++block) {
    float4 x[kRows];
    load<false>(work, rows, block * kBlockInputs + 4 * lane_id(), x);
    unsigned largest[kRows];
#pragma unroll
    for (int index = 0; index < kRows; ++index) largest[index] = largest_bits(x[index]);
    auto& staged = words[warp_id()];
    write<Operand::e4m3>(reinterpret_cast<typename Whole::Words&>(staged), x, largest,
                         work.blocks + (block * work.chunks + chunk) * block_bytes(Operand::e4m3, kPrefillColumns),
                         warp_id() * kRows);
    if (half < second.chunks)
      write<Operand::f16>(staged, x, largest,
                          second.blocks + (block * second.chunks + half) * block_bytes(Operand::f16, kPrefillColumns),
                          warp_id() % Halves::kWarps * kRows);
  }
}

// `work` as launch_pack completes it.
inline bool fits(const PackWork& work) {
  return work.columns == kPrefillColumns && work.aligned && work.in % kBlockInputs == 0 &&
         reinterpret_cast<std::uintptr_t>(work.blocks) % 16 == 0;
}

template <Operand kOperand>
void launch_rows(int capability, const PackWork& work, Stream stream) {
  using Of = Shape<kOperand>;
  const auto chunks = static_cast<int>(work.packed_rows / Of::kChunkRows);
  const auto inputs = static_cast<int>(pieces_of(work.x_blocks, kBlocks));
  const bool rows_first = work.slots != nullptr && work.up == nullptr;
  const Order order = {.inner = rows_first ? chunks : inputs, .rows_first = rows_first ? 1 : 0};
  launch(stream, "pack_rows",
         {.blocks = {static_cast<unsigned>(chunks) * static_cast<unsigned>(inputs), static_cast<unsigned>(work.groups)},
          .threads = Of::kWarps * kWarp,
          .chained = capability >= 90},
         work.up != nullptr ? pack_rows<kOperand, true> : pack_rows<kOperand, false>, work, order);
}

inline void launch_rows_twice(int capability, const PackWork& work, const SecondPacking& second, Stream stream) {
  const std::int64_t inputs = pieces_of(work.x_blocks, kBlocks);
  launch(stream, "pack_rows_twice",
         {.blocks = {static_cast<unsigned>(work.chunks * inputs)},
          .threads = Shape<Operand::e4m3>::kWarps * kWarp,
          .chained = capability >= 90},
         pack_rows_twice, work, second);
}

}  // namespace fathom::cuda::pack_many
