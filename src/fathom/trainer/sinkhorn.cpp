#include "fathom/trainer/sinkhorn.h"

#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "fathom/trainer/kernels/device.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kRows = 1;  // dimension summed: columns of a row lie along 2, rows of a column along 1
constexpr std::int64_t kColumns = 2;

// The dimension that a normalisation sums over: the columns' first, then rows and columns in turn.
constexpr std::int64_t summed(std::int64_t step) { return step % 2 == 0 ? kRows : kColumns; }

bool on_device(const Tensor& logits) { return logits.size(1) == 4 && device::takes(logits.flatten(1)); }

struct Sinkhorn : torch::autograd::Function<Sinkhorn> {
  static Tensor forward(AutogradContext* context, const Tensor& logits, std::int64_t iterations, double eps) {
    context->save_for_backward({logits});
    context->saved_data["iterations"] = iterations;
    context->saved_data["eps"] = eps;
    if (on_device(logits)) return device::sinkhorn(logits, iterations, eps);
    Tensor comb = torch::softmax(logits, 2).add_(eps);
    for (std::int64_t step = 0; step < 2 * iterations - 1; ++step) comb.div_(comb.sum(summed(step), true).add_(eps));
    return comb;
  }

  // Note [Sinkhorn backwards]: every intermediate is made again and walked back. Of y = x / (s + eps), s the sum of x:
  // dx = (dy - sum(dy y)) / (s + eps).
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Tensor logits = context->get_saved_variables()[0];
    const std::int64_t steps = 2 * context->saved_data["iterations"].toInt() - 1;
    const double eps = context->saved_data["eps"].toDouble();
    if (on_device(logits))
      return {device::sinkhorn_backward(logits, gradients[0], (steps + 1) / 2, eps), Tensor(), Tensor()};
    const Tensor probabilities = torch::softmax(logits, 2);
    std::vector<Tensor> results{probabilities + eps};
    std::vector<Tensor> divisors;
    for (std::int64_t step = 0; step < steps; ++step) {
      divisors.push_back(results.back().sum(summed(step), true).add_(eps));
      results.push_back(results.back() / divisors.back());
    }
    Tensor gradient = gradients[0].clone();
    for (std::int64_t step = steps - 1; step >= 0; --step) {
      const auto place = static_cast<std::size_t>(step);
      const Tensor along = (gradient * results[place + 1]).sum(summed(step), true);
      gradient.sub_(along).div_(divisors[place]);
    }
    const Tensor along = (gradient * probabilities).sum(2, true);
    return {gradient.sub_(along).mul_(probabilities), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor sinkhorn(const Tensor& logits, std::int64_t iterations, double eps) {
  return Sinkhorn::apply(logits, iterations, eps);
}

}  // namespace fathom::train
