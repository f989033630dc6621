#include "fathom/trainer/balance.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include "fathom/base/error.h"

namespace fathom::train {

Balance::Balance(const Parameters& parameters) {
  const ModelConfig& config = parameters.config();
  std::vector<std::int64_t> blocks;
  for (std::int64_t block = 0; block < config.blocks(); ++block) {
    const std::string name = block < config.layers ? fmt::format("layers.{}.ffn.gate.bias", block)
                                                   : fmt::format("mtp.{}.ffn.gate.bias", block - config.layers);
    if (!parameters.contains(name)) continue;  // routed by hash
    biases_.push_back(parameters.at(name));
    blocks.push_back(block);
  }
  blocks_ = torch::tensor(blocks, torch::kInt64);
  if (!biases_.empty()) blocks_ = blocks_.to(biases_.front().device());
}

void Balance::update(const torch::Tensor& loads, double speed) {
  if (biases_.empty() || speed == 0.0) return;
  const torch::NoGradGuard no_gradients;
  const torch::Tensor scored = loads.index_select(0, blocks_).to(torch::kFloat64);
  const torch::Tensor steps = (scored.mean(1, true) - scored).sign().mul(speed).to(biases_.front().scalar_type());
  at::_foreach_add_(biases_, steps.unbind(0));
}

torch::Tensor Balance::imbalance(const torch::Tensor& loads) const {
  const torch::NoGradGuard no_gradients;
  if (biases_.empty()) return torch::ones({}, loads.options().dtype(torch::kFloat64));
  const torch::Tensor scored = loads.index_select(0, blocks_).to(torch::kFloat64);
  return (scored.amax(1) / scored.mean(1).clamp_min(1e-9)).mean();
}

}  // namespace fathom::train
