#include "fathom/trainer/hyper_connections.h"

#include <torch/csrc/autograd/custom_function.h>

#include <tuple>

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/sinkhorn.h"
#include "fathom/trainer/stream_mix.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// x [tokens, in], fn [outputs, in] -> x fn^T / rms(x), wide. Keeps x as it came: no wide copy of the streams lives on.
struct NormedMix : torch::autograd::Function<NormedMix> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& fn, double eps) {
    const auto wide = fn.scalar_type();
    const Tensor norm = torch::linalg_vector_norm(x, 2, torch::IntArrayRef{1}, true, wide);
    const Tensor inverse = norm.square_().div_(static_cast<double>(x.size(1))).add_(eps).rsqrt_();
    const Tensor mix = mixed_product(x, fn.t()).mul_(inverse);
    context->save_for_backward({x, fn, inverse, mix});
    return mix;
  }

  // y = r x fn^T, r = (mean x^2 + eps)^-1/2:  dx = r dy fn - x r^2 (dy . y) / in
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& [x, fn, inverse, mix] = std::tie(saved[0], saved[1], saved[2], saved[3]);
    const Tensor scaled = gradients[0] * inverse;
    const Tensor fn_gradient = mixed_product(x.t(), scaled).t();
    const Tensor along = (gradients[0] * mix).sum(1, true).mul_(inverse.square()).div_(static_cast<double>(x.size(1)));
    Tensor x_gradient = torch::mm(scaled.to(x.scalar_type()), fn.to(x.scalar_type()));
    x_gradient.addcmul_(x, along.to(x.scalar_type()), -1);
    return {x_gradient, fn_gradient, Tensor()};
  }
};

bool on_device(const Tensor& streams) { return streams.size(1) == 4 && device::takes(streams); }

// pre [tokens, streams], streams [tokens, streams, channels] -> [tokens, channels]
struct WeightedSum : torch::autograd::Function<WeightedSum> {
  static Tensor forward(AutogradContext* context, const Tensor& pre, const Tensor& streams) {
    context->save_for_backward({pre, streams});
    if (on_device(streams)) return device::collapse(pre, streams);
    return mix_streams(pre.to(streams.scalar_type()).unsqueeze(1), streams).squeeze(1);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    if (on_device(saved[1])) {
      const auto result = device::collapse_backward(saved[0], saved[1], gradients[0]);
      return {result.pre, result.streams};
    }
    const Tensor row = gradients[0].unsqueeze(1);  // [tokens, 1, channels]
    const Tensor pre = saved[0].to(row.scalar_type()).unsqueeze(2);
    return {dot_streams(saved[1], row).squeeze(2).to(saved[0].scalar_type()), pre * row};
  }
};

// comb^T streams + post y in one matrix product and one pass.
struct Expand : torch::autograd::Function<Expand> {
  static Tensor forward(AutogradContext* context, const Tensor& post, const Tensor& comb, const Tensor& y,
                        const Tensor& streams) {
    context->save_for_backward({post, comb, y, streams});
    if (on_device(streams)) return device::expand(post, comb, y, streams);
    const auto type = streams.scalar_type();
    Tensor result = mix_streams(comb.to(type).transpose(1, 2), streams);
    return result.addcmul_(post.to(type).unsqueeze(2), y.unsqueeze(1));
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& [post, comb, y, streams] = std::tie(saved[0], saved[1], saved[2], saved[3]);
    if (on_device(streams)) {
      const auto result = device::expand_backward(post, comb, y, streams, gradients[0]);
      return {result.post, result.comb, result.y, result.streams};
    }
    const auto type = streams.scalar_type();
    const Tensor& gradient = gradients[0];  // [tokens, streams, channels]
    const Tensor row = y.unsqueeze(1);      // [tokens, 1, channels]
    return {dot_streams(gradient, row).squeeze(2).to(post.scalar_type()),
            dot_streams(streams, gradient).to(comb.scalar_type()),
            mix_streams(post.to(type).unsqueeze(1), gradient).squeeze(1), mix_streams(comb.to(type), gradient)};
  }
};

// collapse() in one pass over the streams, and in two back: gates and what they read.
struct DeviceCollapse : torch::autograd::Function<DeviceCollapse> {
  static variable_list forward(AutogradContext* context, const Tensor& streams, const Tensor& fn, const Tensor& scale,
                               const Tensor& base, const device::GateRule& rule) {
    const Tensor x = streams.contiguous();
    const Tensor halves = in_halves(fn, x);
    const Tensor mix = wide_product(x.flatten(1), halves.t());
    const device::Gated gated = device::gates(rule, x, mix, scale, base);
    context->save_for_backward({x, halves, mix, scale, base, gated.inverse, gated.pre});
    context->saved_data["iterations"] = rule.iterations;
    context->saved_data["eps"] = rule.eps;
    context->saved_data["norm_eps"] = rule.norm_eps;
    return {gated.out, gated.post, gated.comb};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& [x, halves, mix, scale, base, inverse, pre] =
        std::tie(saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6]);
    const device::GateRule rule{.iterations = context->saved_data["iterations"].toInt(),
                                .eps = context->saved_data["eps"].toDouble(),
                                .norm_eps = context->saved_data["norm_eps"].toDouble()};
    const auto result = device::gates_backward(rule, x, mix, scale, base, inverse,
                                               {.out = gradients[0], .post = gradients[1], .comb = gradients[2]});
    const std::int64_t count = base.numel();
    Tensor streams_gradient = torch::mm(result.mix.narrow(1, 0, count), halves.narrow(0, 0, count)).view(x.sizes());
    device::gates_finish(x, pre, gradients[0], result.along, streams_gradient);
    Tensor fn_gradient = wide_product(result.mix.t(), x.flatten(1));
    if (fn_gradient.size(0) > count)
      fn_gradient = fn_gradient.narrow(0, 0, count) + fn_gradient.narrow(0, count, count);
    const Tensor sums = result.raw.sum(0);
    const Tensor shares = sums.narrow(0, count, count);
    const std::int64_t n = x.size(1);
    const Tensor scale_gradient = torch::stack(
        {shares.narrow(0, 0, n).sum(), shares.narrow(0, n, n).sum(), shares.narrow(0, 2 * n, n * n).sum()});
    return {streams_gradient, fn_gradient, scale_gradient, sums.narrow(0, 0, count), Tensor()};
  }

  // As mixed_product() takes a wide matrix, the low half behind the high one.
  static Tensor in_halves(const Tensor& fn, const Tensor& x) {
    if (x.scalar_type() == fn.scalar_type()) return fn;
    const Tensor high = fn.to(x.scalar_type());
    return torch::cat({high, (fn - high).to(x.scalar_type())}, 0);
  }
};

}  // namespace

Tensor HyperConnections::raw_gates(const Tensor& streams) const {
  const ModelConfig& config = step_.config();
  const Tensor mix =
      NormedMix::apply(streams.flatten(1), step_.wide_weight(prefix_ + "fn"), static_cast<double>(config.norm_eps));
  const Tensor scale = step_.wide_weight(prefix_ + "scale");
  const Tensor base = step_.wide_weight(prefix_ + "base");
  if (scale.numel() == 1) return torch::addcmul(base, mix, scale);
  const std::int64_t n = config.streams;
  return torch::addcmul(base, mix,
                        torch::cat({scale.narrow(0, 0, 1).expand({n}), scale.narrow(0, 1, 1).expand({n}),
                                    scale.narrow(0, 2, 1).expand({n * n})}));
}

Tensor HyperConnections::collapse(const Tensor& streams, Gates& gates) const {
  const ModelConfig& config = step_.config();
  const std::int64_t n = config.streams;
  const double eps = static_cast<double>(config.hc_eps);
  if (on_device(streams)) {
    const auto found = DeviceCollapse::apply(
        streams, step_.wide_weight(prefix_ + "fn"), step_.wide_weight(prefix_ + "scale"),
        step_.wide_weight(prefix_ + "base"),
        device::GateRule{
            .iterations = config.sinkhorn_iterations, .eps = eps, .norm_eps = static_cast<double>(config.norm_eps)});
    gates.post = found[1];
    gates.comb = found[2];
    return found[0];
  }
  const Tensor raw = raw_gates(streams);
  const Tensor pre = raw.narrow(1, 0, n).sigmoid() + eps;
  gates.post = raw.narrow(1, n, n).sigmoid() * 2;
  gates.comb = sinkhorn(raw.narrow(1, 2 * n, n * n).reshape({-1, n, n}), config.sinkhorn_iterations, eps);
  return WeightedSum::apply(pre, streams);
}

Tensor HyperConnections::collapse_head(const Tensor& streams) const {
  const Tensor pre = raw_gates(streams).sigmoid() + static_cast<double>(step_.config().hc_eps);
  return WeightedSum::apply(pre, streams);
}

Tensor HyperConnections::expand(const Gates& gates, const Tensor& y, const Tensor& streams) const {
  return Expand::apply(gates.post, gates.comb, y, streams);
}

}  // namespace fathom::train
