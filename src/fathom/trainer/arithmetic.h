// The few products and norms that every module uses, and the type rule of docs/training.md, "Numbers".
#pragma once

#include <torch/types.h>

#include <cstdint>

namespace fathom::train {

// What gates, softmaxes, norms and losses are computed in beside products in `compute`.
constexpr torch::ScalarType wide_type(torch::ScalarType compute) {
  return compute == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
}

// x [tokens, in], weight [out, in] of one type -> [tokens, out].
torch::Tensor project(const torch::Tensor& x, const torch::Tensor& weight);

// left [m, k], right [k, n] of one type -> [m, n] wide. On a GPU the float32 sums leave the matrix units unrounded.
torch::Tensor wide_product(const torch::Tensor& left, const torch::Tensor& right);

// narrow [m, k] in the compute type, wide [k, n] -> [m, n] wide. On a GPU `wide` goes in two bfloat16 halves, 16 bits
// of mantissa, so that no wide copy of `narrow` is made.
torch::Tensor mixed_product(const torch::Tensor& narrow, const torch::Tensor& wide);

// x / rms(x) * weight over the last dimension, in x's type and wide inside. `weight` is wide; undefined means ones.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double eps);

}  // namespace fathom::train
