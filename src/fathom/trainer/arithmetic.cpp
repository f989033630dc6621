#include "fathom/trainer/arithmetic.h"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include <tuple>

// Whether products of bfloat16 can give float32.
#define FATHOM_WIDE_MM (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 8))

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Keeps x as it came and one float a row, where plain operations would keep a wide copy of x or two.
struct RmsNorm : torch::autograd::Function<RmsNorm> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, bool weighted, double eps) {
    const auto wide = wide_type(x.scalar_type());
    const Tensor inverse = torch::linalg_vector_norm(x, 2, torch::IntArrayRef{-1}, true, wide)
                               .square_()
                               .div_(static_cast<double>(x.size(-1)))
                               .add_(eps)
                               .rsqrt_();
    context->save_for_backward({x, weight, inverse});
    context->saved_data["weighted"] = weighted;
    // A narrow x times a wide row factor is wide; the last product rounds once, on its way out.
    Tensor result = torch::empty_like(x);
    if (weighted) {
      at::mul_out(result, x * inverse, weight);
    } else {
      at::mul_out(result, x, inverse);
    }
    return result;
  }

  // d x = r (w dy) - x r^3 mean(w dy x)
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& [x, weight, inverse] = std::tie(saved[0], saved[1], saved[2]);
    const Tensor normed = x * inverse;
    Tensor gradient = gradients[0].to(inverse.scalar_type());
    Tensor weight_gradient;
    if (context->saved_data["weighted"].toBool()) {
      weight_gradient = (gradient * normed).reshape({-1, normed.size(-1)}).sum(0);
      gradient = gradient * weight;
    }
    const Tensor along = (gradient * normed).mean(-1, true);
    Tensor result = torch::empty_like(x);
    at::mul_out(result, gradient.addcmul(normed, along, -1), inverse);
    return {result, weight_gradient, Tensor(), Tensor()};
  }
};

#if FATHOM_WIDE_MM
bool multiplies_wide(const Tensor& x) { return x.is_cuda() && x.scalar_type() == torch::kBFloat16; }
#endif

}  // namespace

Tensor wide_product(const Tensor& left, const Tensor& right) {
#if FATHOM_WIDE_MM
  if (multiplies_wide(left)) return at::mm(left, right, torch::kFloat32);
#endif
  return torch::mm(left, right).to(wide_type(left.scalar_type()));
}

Tensor mixed_product(const Tensor& narrow, const Tensor& wide) {
#if FATHOM_WIDE_MM
  if (multiplies_wide(narrow)) {
    const Tensor high = wide.to(narrow.scalar_type());
    const Tensor low = (wide - high).to(narrow.scalar_type());
    const Tensor both = at::mm(narrow, torch::cat({high, low}, 1), torch::kFloat32);
    return both.narrow(1, 0, wide.size(1)) + both.narrow(1, wide.size(1), wide.size(1));
  }
#endif
  return torch::mm(narrow.to(wide.scalar_type()), wide);
}

Tensor project(const Tensor& x, const Tensor& weight) { return torch::mm(x, weight.t()); }

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return RmsNorm::apply(x, weight.defined() ? weight : torch::empty({0}, x.options()), weight.defined(), eps);
}

}  // namespace fathom::train
