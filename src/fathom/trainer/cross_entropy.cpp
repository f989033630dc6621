#include "fathom/trainer/cross_entropy.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/kernels/device.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kGpuLogits = std::int64_t{1} << 27;  // alive at a time
constexpr std::int64_t kCpuLogits = std::int64_t{1} << 21;

// Like the indexer's (Note [Gradients on the way]): the loss ends its line, and logits live once.
struct CrossEntropySum : torch::autograd::Function<CrossEntropySum> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& targets,
                        bool with_gradients) {
    const auto wide = weight.scalar_type();
    const Tensor cast = weight.to(x.scalar_type());
    const std::int64_t limit = x.is_cuda() ? kGpuLogits : kCpuLogits;
    const std::int64_t tokens = std::max<std::int64_t>(1, limit / weight.size(0));
    Tensor loss = torch::zeros({}, weight.options());
    Tensor x_gradient;
    Tensor weight_gradient;
    if (with_gradients) {
      x_gradient = torch::empty_like(x);
      weight_gradient = torch::zeros_like(weight);
    }
    for (std::int64_t first = 0; first < x.size(0); first += tokens) {
      const std::int64_t count = std::min(tokens, x.size(0) - first);
      const Tensor part = x.narrow(0, first, count);
      Tensor logits = wide_product(part, cast.t());
      if (device::takes(logits)) {
        Tensor change = with_gradients ? torch::empty(logits.sizes(), x.options()) : Tensor();
        loss += device::cross_entropy(logits, targets.narrow(0, first, count), change).sum();
        if (with_gradients) add_gradients(change, part, cast, x_gradient.narrow(0, first, count), weight_gradient);
        continue;
      }
      const Tensor target = targets.narrow(0, first, count).unsqueeze(1);
      const Tensor counts = target.ge(0).to(wide);
      const Tensor place = target.clamp_min(0);
      const Tensor normalizer = logits.logsumexp(1, true);
      loss += (normalizer - logits.gather(1, place)).mul_(counts).sum();
      if (!with_gradients) continue;
      logits.sub_(normalizer).exp_().mul_(counts).scatter_add_(1, place, -counts);
      add_gradients(logits.to(x.scalar_type()), part, cast, x_gradient.narrow(0, first, count), weight_gradient);
    }
    context->save_for_backward({x_gradient, weight_gradient});
    return loss;
  }

  // `change`: of the logits of `part`.
  static void add_gradients(const Tensor& change, const Tensor& part, const Tensor& cast, Tensor x_gradient,
                            Tensor& weight_gradient) {
    at::mm_out(x_gradient, change, cast);
    if (weight_gradient.scalar_type() == part.scalar_type()) {
      weight_gradient.addmm_(change.t(), part);
    } else {
      weight_gradient.add_(wide_product(change.t(), part));
    }
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    return {saved[0] * gradients[0].to(saved[0].scalar_type()), saved[1] * gradients[0], Tensor(), Tensor()};
  }
};

}  // namespace

Tensor cross_entropy_sum(const Tensor& x, const Tensor& weight, const Tensor& targets) {
  const bool with_gradients = torch::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  return CrossEntropySum::apply(x, weight, targets, with_gradients);
}

}  // namespace fathom::train
