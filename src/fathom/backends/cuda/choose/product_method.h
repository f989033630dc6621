// Which method multiplies by a weight: a property of the weight and the device alone, so that no row's bits depend on
// its company (docs/invariance.md).
#pragma once

#include <cstdint>

#include "fathom/tensor/weight.h"

namespace fathom::cuda {

// deep: kernels/deep_product.h
enum class ProductMethod : std::uint8_t { plain, tensor_cores, deep };
ProductMethod product_method(const WeightView& weight, int capability, std::int64_t least_inputs);

// Tensor cores sum in an order of their own; small models keep to the released order, and their goldens with them.
bool on_tensor_cores(const WeightView& weight, int capability, std::int64_t least_inputs);

}  // namespace fathom::cuda
