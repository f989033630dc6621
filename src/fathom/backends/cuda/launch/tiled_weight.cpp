#include "fathom/backends/cuda/launch/tiled_weight.h"

#include "fathom/backends/cuda/launch/stored_weight.h"
#include "fathom/base/error.h"
#include "fathom/tensor/weight_values.h"

namespace fathom::cuda {
TiledWeight::TiledWeight(const WeightView& view, const Device& device, Allocator& memory, std::byte* stored,
                         std::int64_t serial)
    : PreparedWeight(view.out, view.in),
      allocator_(&memory),
      memory_(memory, product_weight_bytes(view)),
      serial_(serial) {
  check_weight(view);
  weight_ = prepare_product_weight(store_weight(view, device, stored), reinterpret_cast<std::uint8_t*>(memory_.data()),
                                   device.stream());
  device.synchronize();
}

void TiledWeight::exchange(TiledWeight& other, const Device& device, std::byte* spare) {
  check_equal(other.bytes(), bytes(), "bytes of weights that change places");
  device.copy_any(memory_.data(), spare, bytes());
  device.copy_any(other.memory_.data(), memory_.data(), bytes());
  device.copy_any(spare, other.memory_.data(), bytes());
  std::swap(allocator_, other.allocator_);
  std::swap(memory_, other.memory_);
  std::swap(weight_.tiles, other.weight_.tiles);
}

const TiledWeight* tiled(const PreparedWeight& weight) { return dynamic_cast<const TiledWeight*>(&weight); }
TiledWeight* tiled(PreparedWeight& weight) { return dynamic_cast<TiledWeight*>(&weight); }

}  // namespace fathom::cuda
