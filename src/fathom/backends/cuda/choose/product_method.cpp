#include "fathom/backends/cuda/choose/product_method.h"

#include <algorithm>

namespace fathom::cuda {

bool on_tensor_cores(const WeightView& weight, int capability, std::int64_t least_inputs) {
  const bool scales_are_powers = weight.scale.empty() || weight.scale_dtype == DType::f8_e8m0;
  // Experts are FP4: w1, w2 and w3 of a layer go the same way, whichever side is the long one.
  const std::int64_t long_side = weight.format == WeightFormat::fp4_group ? std::max(weight.in, weight.out) : weight.in;
  return capability >= 80 && scales_are_powers && long_side >= least_inputs;
}

}  // namespace fathom::cuda
