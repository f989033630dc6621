#include "fathom/backends/cuda/choose/product_method.h"

#include <algorithm>

#include "fathom/backends/cuda/kernels/deep_product.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kDeepShape = 64;  // inputs to an output: no expert is so deep

}  // namespace

bool on_tensor_cores(const WeightView& weight, int capability, std::int64_t least_inputs) {
  const bool scales_are_powers = weight.scale.empty() || weight.scale_dtype == DType::f8_e8m0;
  // Experts are FP4: w1, w2 and w3 of a layer go the same way, whichever side is the long one.
  const std::int64_t long_side = weight.format == WeightFormat::fp4_group ? std::max(weight.in, weight.out) : weight.in;
  return capability >= 80 && scales_are_powers && long_side >= least_inputs;
}

ProductMethod product_method(const WeightView& weight, int capability, std::int64_t least_inputs) {
  if (!on_tensor_cores(weight, capability, least_inputs)) return ProductMethod::plain;
  const bool deep = weight.format == WeightFormat::f32 && weight.scale.empty() && weight.out <= kDeepOutputs &&
                    weight.in >= kDeepShape * weight.out;
  return deep ? ProductMethod::deep : ProductMethod::tensor_cores;
}

}  // namespace fathom::cuda
