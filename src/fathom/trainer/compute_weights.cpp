#include "fathom/trainer/compute_weights.h"

#include <torch/torch.h>
#include <torch/version.h>

#include "fathom/base/error.h"
#include "fathom/tensor/numbers.h"
#include "fathom/trainer/fake_quantize.h"
#include "fathom/trainer/kernels/device.h"

#define FATHOM_FOREACH_COPY (TORCH_VERSION_MAJOR >= 2)

namespace fathom::train {
namespace {

using torch::Tensor;

// Of roles whose matrices multiply in the compute type.
bool multiplies_narrow(TensorRole role) {
  switch (role) {
    case TensorRole::attention:
    case TensorRole::compressor:
    case TensorRole::indexer:
    case TensorRole::index_weights:
    case TensorRole::expert:
    case TensorRole::shared_expert:
    case TensorRole::mtp_projection: return true;
    default: return false;
  }
}

void write_released(const Parameter& parameter, Tensor& out) {
  const Tensor master = parameter.value.detach();
  const bool f32 = master.scalar_type() == torch::kFloat32;
  if (f32 && parameter.released == Storage::fp4_group && device::takes_rounding(master, kFp4Group)) {
    device::round_fp4(master, out);
  } else if (f32 && parameter.released == Storage::fp8_block && device::takes_rounding(master, 1)) {
    device::round_fp8(master, out);
  } else {
    out.copy_(fake_quantize(master, parameter.released));
  }
}

}  // namespace

ComputeWeights::ComputeWeights(const Parameters& parameters, const Optimizer& optimizer, torch::ScalarType compute)
    : compute_(compute), gradients_(optimizer.gradients()) {
  const torch::NoGradGuard no_gradients;
  compute_gradients_ = torch::zeros(gradients_.sizes(), gradients_.options().dtype(compute));
  for (const Parameter& parameter : parameters.all()) {
    if (!multiplies_narrow(parameter.role)) continue;
    const Tensor gradient = optimizer.gradient_of(parameter.name);
    Tensor value = torch::empty(parameter.value.sizes(), parameter.value.options().dtype(compute).requires_grad(false));
    value.set_requires_grad(true);
    value.mutable_grad() = compute_gradients_.narrow(0, gradient.storage_offset(), gradient.numel()).view_as(gradient);
    places_.emplace(parameter.name, slots_.size());
    slots_.push_back({.parameter = &parameter, .value = value});
  }
}

void ComputeWeights::refresh(bool released_precision) {
  const torch::NoGradGuard no_gradients;
  compute_gradients_.zero_();
  if (released_precision) {
    for (Slot& slot : slots_) {
      Tensor value = slot.value.detach();
      write_released(*slot.parameter, value);
    }
    return;
  }
  std::vector<Tensor> values;
  std::vector<Tensor> masters;
  for (const Slot& slot : slots_) {
    values.push_back(slot.value.detach());
    masters.push_back(slot.parameter->value.detach());
  }
#if FATHOM_FOREACH_COPY
  at::_foreach_copy_(values, masters);
#else
  for (std::size_t place = 0; place < values.size(); ++place) values[place].copy_(masters[place]);
#endif
}

Tensor ComputeWeights::find(std::string_view name) const {
  const auto place = places_.find(std::string(name));
  return place == places_.end() ? Tensor() : slots_[place->second].value;
}

void ComputeWeights::hand_over() {
  const torch::NoGradGuard no_gradients;
  gradients_.add_(compute_gradients_);
  compute_gradients_.zero_();
}

const ComputeWeights* make_weights(const Parameters& parameters, const Optimizer& optimizer,
                                   const ForwardOptions& options, std::unique_ptr<ComputeWeights>& weights) {
  const Tensor& gradients = optimizer.gradients();
  const bool pays = gradients.is_cuda() && (options.compute != gradients.scalar_type() || options.released_precision);
  if (!pays) return nullptr;
  if (weights == nullptr || weights->compute() != options.compute)
    weights = std::make_unique<ComputeWeights>(parameters, optimizer, options.compute);
  weights->refresh(options.released_precision);
  return weights.get();
}

}  // namespace fathom::train
