// A stored weight's values one by one: what every packed form must equal.
#pragma once

#include <cstdint>
#include <span>

#include "fathom/tensor/weight.h"

namespace fathom {

// The value of weight[row, column]: its code times its scale, one rounding to float32.
float weight_value(const WeightView& weight, std::int64_t row, std::int64_t column);

// The values of a row, values [weight.in]; of bf16, which tables and heads are, without asking for the format of each.
void read_weight_row(const WeightView& weight, std::int64_t row, std::span<float> values);

// The scale of that element, 1 when the weight has none.
float weight_scale(const WeightView& weight, std::int64_t row, std::int64_t column);

std::int64_t scale_columns_of(const WeightView& weight);  // scales in a row of blocks

// Throws InternalError when the bytes do not have the sizes that the shape asks for.
void check_weight(const WeightView& weight);

}  // namespace fathom
