// A stored weight widened to float32: quantize.h's way back.
#pragma once

#include <vector>

#include "fathom/tensor/weight.h"

namespace fathom {

// Row-major [out, in]. Scales are powers of two (or Base's float32), so that at most one rounding happens.
std::vector<float> dequantize(const WeightView& weight);

}  // namespace fathom
