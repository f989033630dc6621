#include "fathom/trainer/adamw.h"

#include <torch/torch.h>

#include <cmath>

namespace fathom::train {

// m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
// w = w (1 - lr decay) - lr (m / (1 - b1^step)) / (sqrt(v / (1 - b2^step)) + epsilon).
void adamw_step(const AdamWGroup& group, std::int64_t step, const AdamWOptions& options) {
  if (group.values.empty()) return;
  const torch::NoGradGuard no_gradients;
  std::vector<torch::Tensor> values = group.values;
  std::vector<torch::Tensor> first = group.first;
  std::vector<torch::Tensor> second = group.second;
  at::_foreach_mul_(first, options.beta1);
  at::_foreach_add_(first, group.gradients, 1.0 - options.beta1);
  at::_foreach_mul_(second, options.beta2);
  at::_foreach_addcmul_(second, group.gradients, group.gradients, 1.0 - options.beta2);

  const double correction1 = 1.0 - std::pow(options.beta1, static_cast<double>(step));
  const double correction2 = 1.0 - std::pow(options.beta2, static_cast<double>(step));
  std::vector<torch::Tensor> scales = at::_foreach_sqrt(second);
  at::_foreach_div_(scales, std::sqrt(correction2));
  at::_foreach_add_(scales, options.epsilon);
  at::_foreach_mul_(values, 1.0 - options.learning_rate * options.weight_decay);
  at::_foreach_addcdiv_(values, first, scales, -options.learning_rate / correction1);
}

}  // namespace fathom::train
