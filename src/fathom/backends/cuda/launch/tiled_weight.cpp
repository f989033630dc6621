#include "fathom/backends/cuda/launch/tiled_weight.h"

#include "fathom/tensor/weight_values.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kAlignment = 256;

std::int64_t aligned(std::int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

std::int64_t TiledWeight::stored_bytes(const WeightView& view) {
  return aligned(std::ssize(view.data)) + std::ssize(view.scale);
}

TiledWeight::TiledWeight(const WeightView& view, const Device& device, Allocator& memory, std::byte* stored,
                         std::int64_t serial)
    : PreparedWeight(view.out, view.in), memory_(memory, product_weight_bytes(view)), serial_(serial) {
  check_weight(view);
  std::byte* scale = stored + aligned(std::ssize(view.data));
  device.copy_to_device(view.data.data(), stored, std::ssize(view.data));
  device.copy_to_device(view.scale.data(), scale, std::ssize(view.scale));
  WeightView on_device = view;
  on_device.data = {stored, view.data.size()};
  on_device.scale = {scale, view.scale.size()};
  weight_ = prepare_product_weight(on_device, reinterpret_cast<std::uint8_t*>(memory_.data()), device.stream());
  device.synchronize();
}

const TiledWeight* tiled(const PreparedWeight& weight) { return dynamic_cast<const TiledWeight*>(&weight); }

}  // namespace fathom::cuda
