#include "fathom/checkpoint/dequantize.h"

#include "fathom/tensor/weight_values.h"

namespace fathom {

std::vector<float> dequantize(const WeightView& weight) {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(weight.out * weight.in));
  for (std::int64_t row = 0; row < weight.out; ++row)
    for (std::int64_t column = 0; column < weight.in; ++column) values.push_back(weight_value(weight, row, column));
  return values;
}

}  // namespace fathom
