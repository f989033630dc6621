#include "fathom/backends/cuda/kernels/turned_product.cuh"

#include <algorithm>
#include <span>

namespace fathom::cuda {
namespace {

constexpr int kPlacesAtOnce = 16;  // as many rows as prefill_product's

__global__ void __launch_bounds__(kTurnedThreads, 1)
    turned_product(const __grid_constant__ ProductWork work, const __grid_constant__ TurnedLaunch launch) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  extern __shared__ __align__(128) std::uint8_t memory[];
  TurnedProduct(work, launch, memory).run();
#endif
}

}  // namespace

void launch_turned(const ProductDevice& device, const TurnedShape& shape, ProductWork work, Stream stream) {
  work.pairs = 0;
  for (ProductTarget& target : std::span(work.targets).first(static_cast<std::size_t>(work.target_count))) {
    target.first_pair = work.pairs;
    work.pairs += turned_groups(target);
  }
  launch(stream, "turned_product",
         {.blocks = {static_cast<unsigned>(std::min<std::int64_t>(shape.units, device.multiprocessors))},
          .threads = kTurnedThreads,
          .shared_bytes = static_cast<unsigned>(shared_bytes(shape.stages, kTurnedStageBytes, 0)),
          .chained = true},
         turned_product, work,
         TurnedLaunch{.stages = shape.stages, .units = static_cast<int>(shape.units), .places = kPlacesAtOnce});
}

}  // namespace fathom::cuda
