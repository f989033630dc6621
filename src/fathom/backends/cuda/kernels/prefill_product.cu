#include "fathom/backends/cuda/kernels/prefill_product.cuh"

#include <algorithm>

namespace fathom::cuda {
namespace {

constexpr int kPlacesAtOnce = 8;  // measured: of Flash's wq_b, whose weights and rows are larger than a cache together

struct Launch {
  int capability;
  int blocks;
  int bytes;
  PrefillLaunch kernel;
};

template <TileKind kKind, Operand kOperand, int kChunks>
void launch_chunks(const Launch& to, const ProductWork& work, Stream stream) {
  launch(stream, "prefill_product",
         {.blocks = {static_cast<unsigned>(to.blocks)},
          .threads = kPrefillThreads,
          .shared_bytes = static_cast<unsigned>(to.bytes),
          .chained = to.capability >= 90},
         prefill_product<kKind, kOperand, kChunks>, work, to.kernel);
}

// Only sm_90a has the registers for more than two chunks: its warpgroups trade them.
template <TileKind kKind, Operand kOperand>
void choose_chunks(const Launch& to, const ProductWork& work, Stream stream) {
  if (to.capability == 90) {
    launch_chunks<kKind, kOperand, 4>(to, work, stream);
  } else {
    launch_chunks<kKind, kOperand, 2>(to, work, stream);
  }
}

}  // namespace

void launch_prefill(const ProductDevice& device, const ProductLaunch& launch, const ProductWork& work,
                    const PrefillShape& shape, Stream stream) {
  const std::int64_t units = launch.places * work.pairs;
  const Launch to = {
      .capability = device.capability,
      .blocks = static_cast<int>(std::min<std::int64_t>(units, device.multiprocessors)),
      .bytes = shared_bytes(shape.stages, prefill_stage_bytes(launch.kind, launch.operand, work.group_chunks), 0),
      .kernel = {.stages = shape.stages,
                 .units = static_cast<int>(units),
                 .places = work.items == nullptr ? kPlacesAtOnce : 1}};
  if (launch.operand == Operand::e4m3) {
    if (launch.kind == TileKind::fp4) choose_chunks<TileKind::fp4, Operand::e4m3>(to, work, stream);
    if (launch.kind == TileKind::fp8) choose_chunks<TileKind::fp8, Operand::e4m3>(to, work, stream);
    return;
  }
  if (launch.kind == TileKind::fp4) choose_chunks<TileKind::fp4, Operand::f16>(to, work, stream);
  if (launch.kind == TileKind::fp8) choose_chunks<TileKind::fp8, Operand::f16>(to, work, stream);
  if (launch.kind == TileKind::f16) choose_chunks<TileKind::f16, Operand::f16>(to, work, stream);
}

}  // namespace fathom::cuda
