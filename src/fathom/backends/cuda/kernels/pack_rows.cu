// Rows of float32 into blocks for products: a warp takes some blocks of 128 inputs of a row, finds the power of two
// of each, and writes the row's one or two columns.
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_block.cuh"
#include "fathom/backends/cuda/kernels/pack_many_rows.cuh"
#include "fathom/backends/cuda/kernels/pack_rows.h"

namespace fathom::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kBlocksOfWarp = 4;  // loads of a warp in flight

// The warp's row, its block of inputs filled by all lanes.
template <Operand kOperand>
__device__ void write_block(const PackWork& work, std::int64_t packed_row, std::int64_t block, const float4& x) {
  const int chunk_rows = work.columns / columns_of_row(kOperand);
  const std::int64_t at = (blockIdx.z * work.x_blocks + block) * work.chunks + packed_row / chunk_rows;
  const int column = static_cast<int>(packed_row % chunk_rows);
  std::uint8_t* to = work.blocks + at * block_bytes(kOperand, work.columns);
  auto* scales = reinterpret_cast<float*>(to + work.columns * kBlockInputs * operand_bytes(kOperand));
  pack_block<kOperand>({to, scales, column}, chunk_rows, x);
}

template <Operand kOperand>
__global__ void __launch_bounds__(32 * kWarps) pack(const __grid_constant__ PackWork work) {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  const std::int64_t packed_row = std::int64_t{blockIdx.y} * kWarps + threadIdx.x / 32;
  const std::int64_t limit = work.row_limit != nullptr ? *work.row_limit : work.packed_rows;
  if (packed_row >= limit) return;
  const std::int64_t first = std::int64_t{blockIdx.x} * kBlocksOfWarp;
  const std::int64_t slot = work.slots != nullptr ? work.slots[packed_row] : packed_row < work.rows ? packed_row : -1;
  float4 x[kBlocksOfWarp] = {};
  if (slot >= 0) {
    const std::int64_t row = work.up != nullptr ? packed_row : slot / work.slots_of_row;
    const float* values = work.x + row * work.row_stride + blockIdx.z * work.group_stride;
    const int input = static_cast<int>(first) * kBlockInputs + 4 * (threadIdx.x % 32);
#pragma unroll
    for (int block = 0; block < kBlocksOfWarp; ++block)
      x[block] = four(values, input + block * kBlockInputs, work.in, work.aligned);
    if (work.up != nullptr) {
      const float weight = work.weights != nullptr ? work.weights[slot] : 1.0F;
      float4 up[kBlocksOfWarp];
#pragma unroll
      for (int block = 0; block < kBlocksOfWarp; ++block)
        up[block] = four(work.up + row * work.row_stride, input + block * kBlockInputs, work.in, work.aligned);
#pragma unroll
      for (int block = 0; block < kBlocksOfWarp; ++block) x[block] = swiglu(x[block], up[block], work.limit, weight);
    }
  }
#pragma unroll
  for (int block = 0; block < kBlocksOfWarp; ++block)
    if (first + block < work.x_blocks) write_block<kOperand>(work, packed_row, first + block, x[block]);
}

void complete(PackWork& work) {
  work.x_blocks = pieces_of(work.in, kBlockInputs);
  work.aligned = four_at_once(work.x, work.row_stride) && four_at_once(work.up, work.group_stride);
}

}  // namespace

void launch_pack(int capability, PackWork work, Operand operand, Stream stream) {
  if (work.packed_rows == 0 || work.in == 0) return;
  complete(work);
  if (pack_many::fits(work)) {
    auto* launch_rows =
        operand == Operand::e4m3 ? pack_many::launch_rows<Operand::e4m3> : pack_many::launch_rows<Operand::f16>;
    return launch_rows(capability, work, stream);
  }
  launch(stream, "pack",
         {.blocks = {static_cast<unsigned>(pieces_of(work.x_blocks, kBlocksOfWarp)),
                     static_cast<unsigned>(pieces_of(work.packed_rows, kWarps)), static_cast<unsigned>(work.groups)},
          .threads = 32 * kWarps,
          .chained = capability >= 90},
         operand == Operand::e4m3 ? pack<Operand::e4m3> : pack<Operand::f16>, work);
}

void launch_pack_twice(int capability, PackWork e4m3, PackWork halves, Stream stream) {
  if (e4m3.packed_rows == 0 || e4m3.in == 0) return;
  complete(e4m3);
  complete(halves);
  if (pack_many::fits(e4m3) && pack_many::fits(halves))
    return pack_many::launch_rows_twice(capability, e4m3, {.blocks = halves.blocks, .chunks = halves.chunks}, stream);
  launch_pack(capability, e4m3, Operand::e4m3, stream);
  launch_pack(capability, halves, Operand::f16, stream);
}

}  // namespace fathom::cuda
