#include "fathom/trainer/rotary.h"

#include <torch/csrc/autograd/custom_function.h>

#include "fathom/trainer/kernels/device.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor rotated(const Tensor& x, const Tensor& turns, bool inverse) {
  const std::int64_t pairs = turns.size(-1);
  if (device::takes(x) && pairs % 4 == 0) return device::rotate(x, turns, inverse);
  Tensor result = x.clone(torch::MemoryFormat::Contiguous);
  Tensor last = result.narrow(-1, result.size(-1) - 2 * pairs, 2 * pairs);
  const auto wide = turns.scalar_type() == torch::kComplexDouble ? torch::kFloat64 : torch::kFloat32;
  // A copy: pairs of a row of odd length would lie where no complex number may.
  const Tensor apart = last.to(wide, false, true, torch::MemoryFormat::Contiguous);
  const Tensor complex = torch::view_as_complex(apart.view({x.size(0), x.size(1), pairs, 2}));
  const Tensor turned = complex * (inverse ? turns.conj() : turns).unsqueeze(1);
  last.copy_(torch::view_as_real(turned).view(last.sizes()));
  return result;
}

// A rotation's gradient is the rotation back, so that nothing but the angles is kept.
struct Rotate : torch::autograd::Function<Rotate> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& turns, bool inverse) {
    context->save_for_backward({turns});
    context->saved_data["inverse"] = inverse;
    return rotated(x, turns, inverse);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Tensor turns = context->get_saved_variables()[0];
    return {rotated(gradients[0], turns, !context->saved_data["inverse"].toBool()), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor rotary_turns(const Tensor& positions, const Tensor& frequencies, torch::ScalarType wide) {
  const Tensor angles = positions.to(wide).unsqueeze(-1) * frequencies.to(wide);
  return torch::complex(angles.cos(), angles.sin());
}

Tensor rotate(const Tensor& x, const Tensor& turns, bool inverse) { return Rotate::apply(x, turns, inverse); }

}  // namespace fathom::train
