#include "fathom/backends/cuda/kernels/turned_product.cuh"

#include <algorithm>
#include <span>

#include "fathom/backends/cuda/kernels/turned_queries.cuh"

namespace fathom::cuda {
namespace {

constexpr int kPlacesAtOnce = 16;  // as many rows as prefill_product's

template <typename End>
__global__ void __launch_bounds__(kTurnedThreads, 1)
    turned_product(const __grid_constant__ ProductWork work, const __grid_constant__ TurnedLaunch launch,
                   const __grid_constant__ typename End::Args end) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  extern __shared__ __align__(128) std::uint8_t memory[];
  TurnedProduct<End>(work, launch, end, memory).run();
#endif
}

template <typename End>
void launch_end(const ProductDevice& device, const TurnedShape& shape, ProductWork& work,
                const typename End::Args& args, Stream stream) {
  const std::int64_t places = pieces_of(work.x_chunks, kTurnedChunks);
  work.pairs = static_cast<int>(shape.units / places);
  int first = 0;
  for (ProductTarget& target : std::span(work.targets).first(static_cast<std::size_t>(work.target_count))) {
    target.first_pair = End::kTwoWeights ? 0 : first;
    first += static_cast<int>(turned_groups(target, kTurnedTiles));
  }
  launch(stream, "turned_product",
         {.blocks = {static_cast<unsigned>(std::min<std::int64_t>(shape.units / End::kParts, device.multiprocessors))},
          .threads = kTurnedThreads,
          .shared_bytes = static_cast<unsigned>(shared_bytes(shape.stages, kTurnedStageBytes, 0)),
          .chained = true},
         turned_product<End>, work,
         TurnedLaunch{.stages = shape.stages, .units = static_cast<int>(shape.units), .places = kPlacesAtOnce}, args);
}

}  // namespace

void launch_turned(const ProductDevice& device, const TurnedShape& shape, ProductWork work, Stream stream) {
  launch_end<TurnedRows>(device, shape, work, {}, stream);
}

void launch_turned_packed(const ProductDevice& device, const TurnedShape& shape, ProductWork work,
                          const TurnedPackedArgs& args, Stream stream) {
  launch_end<TurnedPacked<false>>(device, shape, work, args, stream);
}

void launch_turned_swiglu(const ProductDevice& device, const TurnedShape& shape, ProductWork work,
                          const TurnedPackedArgs& args, Stream stream) {
  launch_end<TurnedPacked<true>>(device, shape, work, args, stream);
}

void launch_turned_queries(const ProductDevice& device, const TurnedShape& shape, ProductWork work,
                           const TurnedQueriesArgs& args, Stream stream) {
  launch_end<TurnedQueries>(device, shape, work, args, stream);
}

}  // namespace fathom::cuda
