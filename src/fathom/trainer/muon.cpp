#include "fathom/trainer/muon.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "fathom/base/error.h"
#include "fathom/trainer/newton_schulz.h"

namespace fathom::train {
namespace {

torch::Tensor as_stack(const torch::Tensor& tensor) { return tensor.dim() == 2 ? tensor.unsqueeze(0) : tensor; }

}  // namespace

// M = mu M + G;  O' = HybridNS(mu M + G);  O = O' sqrt(max(out, in)) rms;  W = W (1 - lr decay) - lr O.
void muon_step(const MuonGroup& group, const MuonOptions& options) {
  if (group.values.empty()) return;
  const torch::NoGradGuard no_gradients;
  at::_foreach_mul_(group.momenta, options.momentum);
  at::_foreach_add_(group.momenta, group.gradients);
  std::vector<torch::Tensor> ahead = at::_foreach_mul(group.momenta, options.momentum);
  at::_foreach_add_(ahead, group.gradients);
  std::vector<std::int64_t> counts;
  for (torch::Tensor& matrices : ahead) {
    matrices = as_stack(matrices);
    counts.push_back(matrices.size(0));
  }
  const torch::Tensor all = orthogonalize(torch::cat(ahead));  // [matrices, out, in]
  std::vector<torch::Tensor> updates = all.split_with_sizes(counts);
  for (std::size_t place = 0; place < updates.size(); ++place)
    updates[place] = updates[place].view_as(group.values[place]);
  const double scale = options.update_rms * std::sqrt(static_cast<double>(std::max(all.size(1), all.size(2))));
  std::vector<torch::Tensor> values = group.values;
  at::_foreach_mul_(values, 1.0 - options.learning_rate * options.weight_decay);
  at::_foreach_add_(values, updates, -options.learning_rate * scale);
}

}  // namespace fathom::train
