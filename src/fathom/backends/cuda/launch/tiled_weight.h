// A weight as products on tensor cores read it, in the device's memory.
#pragma once

#include <memory>

#include "fathom/backends/cuda/device/device.h"
#include "fathom/backends/cuda/kernels/products.h"
#include "fathom/ops/arguments.h"
#include "fathom/tensor/memory.h"

namespace fathom::cuda {

class TiledWeight final : public PreparedWeight {
 public:
  // `stored`: stored_bytes() (stored_weight.h) of the device's memory, free again when the weight is made.
  TiledWeight(const WeightView& view, const Device& device, Allocator& memory, std::byte* stored, std::int64_t serial);

  // Exchanges the tiles' places, and the tiles with them, through `spare` memory of the device of as many bytes, in the
  // stream's order. Weights of one shape.
  void exchange(TiledWeight& other, const Device& device, std::byte* spare);

  const ProductWeight& weight() const { return weight_; }
  const Allocator& allocator() const { return *allocator_; }  // where the tiles lie
  std::weak_ptr<const void> life() const { return life_; }
  std::int64_t bytes() const { return memory_.bytes(); }
  std::int64_t serial() const { return serial_; }  // of all weights that the backend prepared

 private:
  const Allocator* allocator_;
  Memory memory_;
  ProductWeight weight_;
  std::shared_ptr<const void> life_ = std::make_shared<const bool>(true);
  std::int64_t serial_;
};

// Null for a weight that is prepared otherwise.
const TiledWeight* tiled(const PreparedWeight& weight);
TiledWeight* tiled(PreparedWeight& weight);

inline ProductOutput product_output(const TiledWeight& weight, View<float, 2> out) {
  return {.weight = &weight.weight(), .out = out.data(), .row_stride = weight.out};
}

}  // namespace fathom::cuda
