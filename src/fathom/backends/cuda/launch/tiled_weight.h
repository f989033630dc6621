// A weight as products on tensor cores read it, in the device's memory.
#pragma once

#include "fathom/backends/cuda/device/device.h"
#include "fathom/backends/cuda/kernels/products.h"
#include "fathom/ops/arguments.h"
#include "fathom/tensor/memory.h"

namespace fathom::cuda {

class TiledWeight final : public PreparedWeight {
 public:
  // `stored`: stored_bytes() (stored_weight.h) of the device's memory, free again when the weight is made.
  TiledWeight(const WeightView& view, const Device& device, Allocator& memory, std::byte* stored, std::int64_t serial);

  const ProductWeight& weight() const { return weight_; }
  std::int64_t serial() const { return serial_; }  // of all weights that the backend prepared

 private:
  Memory memory_;
  ProductWeight weight_;
  std::int64_t serial_;
};

// Null for a weight that is prepared otherwise.
const TiledWeight* tiled(const PreparedWeight& weight);

}  // namespace fathom::cuda
