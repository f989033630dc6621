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
  write_tile_share(weight, form, tile / blocks * kTileRows, block / form.parts * kBlockInputs,
                   static_cast<int>(block % form.parts), threadIdx.x, tiles + tile * tile_bytes(form.kind));
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
  launch(stream, "write_tiles", {.blocks = {static_cast<unsigned>(count)}, .threads = kWarpgroupThreads}, write_tiles,
         stored_weight(stored), form, tiles);
  cuda_check(cudaGetLastError(), "write_tiles");
  return weight;
}

}  // namespace fathom::cuda
