// A warp has eight columns of a chunk, in pieces of 16 bytes that lie side by side: it writes whole lines.
#include "fathom/backends/cuda/kernels/gather_rows.h"

#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/pack_values.cuh"
#include "fathom/backends/cuda/kernels/product_layout.h"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {
namespace {

constexpr int kRows = 8;  // of a warp
constexpr int kWarps = kPrefillColumns / kRows;
constexpr int kBlocks = 4;                       // of 128 inputs, all of whose pieces are on their way at once
constexpr int kPieces = kBlockInputs / 16;       // of a row's block
constexpr int kPiecesAtOnce = kWarp / kRows;     // of a row, by a warp
constexpr int kLoads = kPieces / kPiecesAtOnce;  // of a lane and block
constexpr int kScalesAt = kPrefillColumns * kBlockInputs;
constexpr int kBlockBytes = block_bytes(Operand::e4m3, kPrefillColumns);

// Chunks first: rows that are read several times come round while they are in the cache.
__global__ void __launch_bounds__(kWarps* kWarp) gather_rows(const __grid_constant__ GatherRows work) {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  const std::int64_t chunk = blockIdx.x;
  const int column = warp_id() * kRows + lane_id() % kRows;
  if (chunk * kPrefillColumns >= *work.row_limit) return;
  const int slot = work.slots[chunk * kPrefillColumns + column];
  const std::int64_t row = slot < 0 ? -1 : slot / work.slots_of_row;
  const std::uint8_t* from = work.from + row / kPrefillColumns * kBlockBytes;
  const int from_column = static_cast<int>(row % kPrefillColumns);
  std::uint8_t* to = work.to + chunk * kBlockBytes;
  const std::int64_t first = std::int64_t{blockIdx.y} * kBlocks;
  uint4 pieces[kBlocks][kLoads] = {};
  float scales[kBlocks];
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
    scales[block] = e4m3_scale(0, e4m3_exponent(0));
    if (row < 0 || first + block >= work.x_blocks) continue;
    const std::uint8_t* at = from + (first + block) * work.from_chunks * kBlockBytes;
#pragma unroll
    for (int load = 0; load < kLoads; ++load) {
      const int piece = lane_id() / kRows + load * kPiecesAtOnce;
      pieces[block][load] = *reinterpret_cast<const uint4*>(at + block_offset(Operand::e4m3, from_column, 16 * piece));
    }
    scales[block] = reinterpret_cast<const float*>(at + kScalesAt)[from_column];
  }
#pragma unroll
  for (int block = 0; block < kBlocks; ++block) {
    if (first + block >= work.x_blocks) break;
    std::uint8_t* at = to + (first + block) * work.chunks * kBlockBytes;
#pragma unroll
    for (int load = 0; load < kLoads; ++load) {
      const int piece = lane_id() / kRows + load * kPiecesAtOnce;
      *reinterpret_cast<uint4*>(at + block_offset(Operand::e4m3, column, 16 * piece)) = pieces[block][load];
    }
    if (lane_id() < kRows) reinterpret_cast<float*>(at + kScalesAt)[column] = scales[block];
  }
}

}  // namespace

void launch_gather(int capability, const GatherRows& work, Stream stream) {
  if (work.chunks == 0 || work.x_blocks == 0) return;
  launch(stream, "gather_rows",
         {.blocks = {static_cast<unsigned>(work.chunks), static_cast<unsigned>(pieces_of(work.x_blocks, kBlocks))},
          .threads = kWarps * kWarp,
          .chained = capability >= 90},
         gather_rows, work);
}

}  // namespace fathom::cuda
