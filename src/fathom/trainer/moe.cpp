#include "fathom/trainer/moe.h"

#include <torch/csrc/autograd/custom_function.h>

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/expert_product.h"
#include "fathom/trainer/kernels/device.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Swiglu : torch::autograd::Function<Swiglu> {
  static Tensor forward(AutogradContext* context, const Tensor& gate, const Tensor& up, const Tensor& weight,
                        bool weighted, double limit) {
    context->save_for_backward({gate, up, weight});
    context->saved_data["weighted"] = weighted;
    context->saved_data["limit"] = limit;
    if (device::takes(gate)) return device::swiglu(gate, up, weighted ? weight : Tensor(), limit);
    const auto wide = wide_type(gate.scalar_type());
    Tensor act = clamped_gate(gate, wide, limit);
    act = torch::silu(act).mul_(clamped_up(up, wide, limit));
    if (weighted) act.mul_(weight.unsqueeze(1));
    return act.to(gate.scalar_type());
  }

  // d gate = g w up s (1 + gate (1 - s)), d up = g w silu(gate), d weight = sum(g silu(gate) up), s = sigmoid(gate)
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const bool weighted = context->saved_data["weighted"].toBool();
    const double limit = context->saved_data["limit"].toDouble();
    const auto type = saved[0].scalar_type();
    if (device::takes(saved[0])) {
      const auto result =
          device::swiglu_backward(saved[0], saved[1], weighted ? saved[2] : Tensor(), limit, gradients[0]);
      return {result.gate, result.up, result.weight, Tensor(), Tensor()};
    }
    const auto wide = wide_type(type);
    const Tensor gate = clamped_gate(saved[0], wide, limit);
    const Tensor up = clamped_up(saved[1], wide, limit);
    const Tensor share = gate.sigmoid();
    const Tensor act = gate * share;
    Tensor gradient = gradients[0].to(wide);
    Tensor weight_gradient;
    if (weighted) {
      weight_gradient = (gradient * act).mul_(up).sum(1);
      gradient = gradient * saved[2].unsqueeze(1);
    }
    Tensor up_gradient = gradient * act;
    // s (1 + gate (1 - s)) = s + act - act s
    Tensor gate_gradient = (share + act).addcmul_(act, share, -1).mul_(gradient).mul_(up);
    if (limit > 0) {
      up_gradient.masked_fill_(saved[1].abs().gt(limit), 0);
      gate_gradient.masked_fill_(saved[0].gt(limit), 0);
    }
    return {gate_gradient.to(type), up_gradient.to(type), weight_gradient, Tensor(), Tensor()};
  }

  static Tensor clamped_gate(const Tensor& gate, torch::ScalarType wide, double limit) {
    return limit > 0 ? gate.to(wide).clamp_max(limit) : gate.to(wide);
  }
  static Tensor clamped_up(const Tensor& up, torch::ScalarType wide, double limit) {
    return limit > 0 ? up.to(wide).clamp(-limit, limit) : up.to(wide);
  }
};

}  // namespace

Tensor swiglu(const Tensor& gate, const Tensor& up, const Tensor& weight, double limit) {
  const bool weighted = weight.defined();
  return Swiglu::apply(gate, up, weighted ? weight : torch::empty({0}, gate.options()), weighted, limit);
}

// The shared expert is clamped too, and carries no weight.
Tensor Moe::shared_expert(const Tensor& x) const {
  const std::string prefix = prefix_ + "shared_experts.";
  const Tensor inner = swiglu(project(x, step_.weight(prefix + "w1")), project(x, step_.weight(prefix + "w3")), {},
                              static_cast<double>(step_.config().swiglu_limit));
  return project(inner, step_.weight(prefix + "w2"));
}

Moe::Result Moe::forward(const Tensor& x, const Tensor& chosen) const {
  Result result{.out = {}, .route = Gate(step_, block_, prefix_ + "gate").forward(x, chosen)};
  const ExpertOrder order = sort_by_expert(result.route.selected, step_.config().experts);
  const Tensor rows = dispatch(x, order);
  const Tensor weights = result.route.weights.flatten().index_select(0, order.order);
  const std::string prefix = prefix_ + "experts.";
  const Tensor gate = expert_product(rows, step_.weight(prefix + "w1"), order.ends);
  const Tensor up = expert_product(rows, step_.weight(prefix + "w3"), order.ends);
  const Tensor inner = swiglu(gate, up, weights, static_cast<double>(step_.config().swiglu_limit));
  result.out = combine(expert_product(inner, step_.weight(prefix + "w2"), order.ends), order) + shared_expert(x);
  return result;
}

}  // namespace fathom::train
