#include "fathom/backends/cuda/launch/tiled_weight.h"

#include "fathom/backends/cuda/launch/stored_weight.h"
#include "fathom/tensor/weight_values.h"

namespace fathom::cuda {
TiledWeight::TiledWeight(const WeightView& view, const Device& device, Allocator& memory, std::byte* stored,
                         std::int64_t serial)
    : PreparedWeight(view.out, view.in), memory_(memory, product_weight_bytes(view)), serial_(serial) {
  check_weight(view);
  weight_ = prepare_product_weight(store_weight(view, device, stored), reinterpret_cast<std::uint8_t*>(memory_.data()),
                                   device.stream());
  device.synchronize();
}

const TiledWeight* tiled(const PreparedWeight& weight) { return dynamic_cast<const TiledWeight*>(&weight); }

}  // namespace fathom::cuda
