#include "fathom/backends/cuda/kernels/cuda_check.h"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/products.h"
#include "fathom/backends/cuda/kernels/weight_tile.h"

namespace fathom::cuda {
namespace {

// A thread block writes a tile.
__global__ void __launch_bounds__(kWarpgroupThreads)
    write_tiles(const StoredWeight weight, const TileForm form, std::uint8_t* tiles) {
  const std::int64_t blocks = (weight.in + kBlockInputs - 1) / kBlockInputs * form.parts;
  const std::int64_t tile = blockIdx.x;
  const std::int64_t block = tile % blocks;
  std::uint8_t* to = tiles + tile * tile_bytes(form.kind);
  TilePlace at = {.row = tile / blocks * kTileRows,
                  .column = block / form.parts * kBlockInputs,
                  .part = static_cast<int>(block % form.parts)};
  __shared__ std::uint8_t even[kTileRows];
  if (form.kind == TileKind::fp4) {
    if (threadIdx.x < kTileRows) even[threadIdx.x] = to[exponents_at(form.kind) + threadIdx.x];
    __syncthreads();
    if (even[0] != kUneven) at.even = even;
  }
  write_tile_share(weight, form, at, threadIdx.x, to);
}

constexpr int kRowsAtOnce = 32;  // warps of a block

// A thread block leaves the exponents of 64 rows where their tiles' will stand, all of them kUneven if one row is.
__global__ void __launch_bounds__(32 * kRowsAtOnce) mark_even_tiles(const StoredWeight weight, std::uint8_t* tiles) {
  __shared__ std::uint8_t even[kTileRows];
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int row = static_cast<int>(threadIdx.x) / 32; row < kTileRows; row += kRowsAtOnce) {
    Fp4RowRange range;
    for (std::int64_t column = 32 * lane; column < weight.in; column += 32 * 32)
      range.take(fp4_group_exponent(weight, std::int64_t{blockIdx.x} * kTileRows + row, column));
    range.largest = __reduce_max_sync(0xffffffffU, range.largest);
    range.smallest = __reduce_min_sync(0xffffffffU, range.smallest);
    if (lane == 0) even[row] = range.even_exponent();
  }
  __syncthreads();
  const int row = static_cast<int>(threadIdx.x) % kTileRows;
  const bool uneven = __syncthreads_or(even[row] == kUneven ? 1 : 0) != 0;
  const std::int64_t blocks = (weight.in + kBlockInputs - 1) / kBlockInputs;
  for (std::int64_t block = threadIdx.x / kTileRows; block < blocks; block += 32 * kRowsAtOnce / kTileRows)
    tiles[(blockIdx.x * blocks + block) * tile_bytes(TileKind::fp4) + exponents_at(TileKind::fp4) + row] =
        uneven ? kUneven : even[row];
}

}  // namespace

std::int64_t product_weight_bytes(const WeightView& weight) {
  const TileForm form = tile_form(weight);
  return pieces_of(weight.out, kTileRows) * pieces_of(weight.in, kBlockInputs) * form.parts * tile_bytes(form.kind);
}

ProductWeight prepare_product_weight(const WeightView& stored, std::uint8_t* tiles, Stream stream) {
  const TileForm form = tile_form(stored);
  const ProductWeight weight = {
      .kind = form.kind, .parts = form.parts, .out = stored.out, .in = stored.in, .tiles = tiles};
  const std::int64_t count = weight.row_tiles() * weight.blocks();
  if (count == 0) return weight;
  if (form.kind == TileKind::fp4) {
    launch(stream, "mark_even_tiles",
           {.blocks = {static_cast<unsigned>(weight.row_tiles())}, .threads = 32 * kRowsAtOnce}, mark_even_tiles,
           stored_weight(stored), tiles);
    cuda_check(cudaGetLastError(), "mark_even_tiles");
  }
  launch(stream, "write_tiles", {.blocks = {static_cast<unsigned>(count)}, .threads = kWarpgroupThreads}, write_tiles,
         stored_weight(stored), form, tiles);
  cuda_check(cudaGetLastError(), "write_tiles");
  return weight;
}

}  // namespace fathom::cuda
