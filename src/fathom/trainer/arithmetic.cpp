#include "fathom/trainer/arithmetic.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Keeps x as it came and one float a row, where plain operations would keep a wide copy of x or two.
struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, bool weighted, double eps) {
    const auto wide = wide_type(x.scalar_type());
    Tensor scaled = x.to(wide);
    const Tensor inverse = scaled.square().mean(-1, true).add_(eps).rsqrt_();
    scaled = scaled * inverse;
    if (weighted) scaled.mul_(weight);
    context->save_for_backward({x, weight, inverse});
    context->saved_data["weighted"] = weighted;
    return scaled.to(x.scalar_type());
  }

  // d x = r (w dy) - x r^3 mean(w dy x)
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const Tensor& inverse = saved[2];
    const bool weighted = context->saved_data["weighted"].toBool();
    const auto wide = inverse.scalar_type();
    const Tensor normed = saved[0].to(wide) * inverse;
    Tensor gradient = gradients[0].to(wide);
    Tensor weight_gradient;
    if (weighted) {
      weight_gradient = (gradient * normed).reshape({-1, normed.size(-1)}).sum(0);
      gradient = gradient * saved[1];
    }
    const Tensor along = (gradient * normed).mean(-1, true);
    gradient = gradient.addcmul(normed, along, -1).mul_(inverse);
    return {gradient.to(saved[0].scalar_type()), weight_gradient, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor project(const Tensor& x, const Tensor& weight) { return torch::mm(x, weight.t()); }

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return RmsNorm::apply(x, weight.defined() ? weight : torch::empty({0}, x.options()), weight.defined(), eps);
}

}  // namespace fathom::train
