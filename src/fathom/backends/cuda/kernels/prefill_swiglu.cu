#include "fathom/backends/cuda/kernels/prefill_swiglu.cuh"

#include <algorithm>

#include "fathom/backends/cuda/kernels/prefill_product.cuh"

namespace fathom::cuda {
namespace {

constexpr int kMostChunks = 4;

__global__ void __launch_bounds__(kPrefillThreads, 1)
    prefill_swiglu(const __grid_constant__ ProductWork work, const PrefillLaunch launch,
                   const __grid_constant__ PrefillSwigluArgs args) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  extern __shared__ __align__(128) std::uint8_t memory[];
  PrefillProduct<TileKind::fp4, Operand::e4m3, kMostChunks, PrefillSwiglu>(work, launch, args, memory).run();
#endif
}

}  // namespace

bool fits_prefill_swiglu(const ProductDevice& device, TileKind kind, Operand operand, std::int64_t out) {
  return device.capability == 90 && kind == TileKind::fp4 && operand == Operand::e4m3 && out % kBlockInputs == 0;
}

void launch_prefill_swiglu(const ProductDevice& device, const ProductLaunch& launch, const ProductWork& work,
                           const PrefillShape& shape, const PrefillSwigluArgs& args, Stream stream) {
  const std::int64_t units = launch.places * work.pairs / PrefillSwiglu::kTargets;
  const int stage_bytes = prefill_stage_bytes(launch.kind, launch.operand, work.group_chunks);
  fathom::cuda::launch(stream, "prefill_swiglu",
                       {.blocks = {static_cast<unsigned>(std::min<std::int64_t>(units, device.multiprocessors))},
                        .threads = kPrefillThreads,
                        .shared_bytes = static_cast<unsigned>(shared_bytes(shape.stages, stage_bytes, 0)),
                        .chained = true},
                       prefill_swiglu, work,
                       PrefillLaunch{.stages = shape.stages, .units = static_cast<int>(units), .places = 1}, args);
}

}  // namespace fathom::cuda
