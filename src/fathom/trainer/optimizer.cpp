#include "fathom/trainer/optimizer.h"

#include <torch/torch.h>

#include "fathom/base/error.h"

namespace fathom::train {
namespace {

constexpr std::int64_t kAlignment = 64;  // elements: every slice begins on a cache line and a vector
// Elements that one batch of matrices may have: Newton-Schulz holds about four copies of it.
constexpr std::int64_t kMuonBatch = std::int64_t{1} << 26;
constexpr double kNormFloor = 1e-6;  // clip() divides by the norm

std::int64_t aligned(std::int64_t elements) { return (elements + kAlignment - 1) / kAlignment * kAlignment; }

bool is_indexer(const std::string& name) { return name.find(".indexer.") != std::string::npos; }

}  // namespace

UpdateRule update_rule(TensorRole role, OptimizerKind kind) {
  switch (role) {
    case TensorRole::router_bias:
    case TensorRole::hash_table: return UpdateRule::none;
    case TensorRole::embedding:
    case TensorRole::head:
    case TensorRole::norm:
    case TensorRole::sink:
    case TensorRole::hc_base:
    case TensorRole::hc_scale: return UpdateRule::adamw;
    case TensorRole::attention:
    case TensorRole::compressor:
    case TensorRole::position_bias:
    case TensorRole::indexer:
    case TensorRole::index_weights:
    case TensorRole::hc_mix:
    case TensorRole::router:
    case TensorRole::expert:
    case TensorRole::shared_expert:
    case TensorRole::mtp_projection: return kind == OptimizerKind::adamw ? UpdateRule::adamw : UpdateRule::muon;
  }
  throw InternalError("[optimizer] a tensor role without a rule: {}", static_cast<int>(role));
}

Optimizer::Optimizer(Parameters& parameters, OptimizerKind kind) {
  std::int64_t elements = 0;
  for (const Parameter& parameter : parameters.all()) {
    const UpdateRule rule = update_rule(parameter.role, kind);
    if (rule == UpdateRule::none) continue;
    slots_.push_back({.name = parameter.name, .rule = rule, .value = parameter.value});
    elements += aligned(parameter.value.numel());
  }
  check(!slots_.empty(), "a model has parameters to train");
  const torch::TensorOptions options = slots_.front().value.options().requires_grad(false);
  gradients_ = torch::zeros({elements}, options);
  updates_ = torch::zeros({static_cast<std::int64_t>(slots_.size())}, torch::kInt64);
  std::int64_t first = 0;
  for (Slot& slot : slots_) {
    slot.gradient = gradients_.narrow(0, first, slot.value.numel()).view_as(slot.value);
    slot.first = torch::zeros_like(slot.gradient);
    if (slot.rule == UpdateRule::adamw) slot.second = torch::zeros_like(slot.gradient);
    first += aligned(slot.value.numel());
  }
  train(TrainedPart::all);
}

void Optimizer::train(TrainedPart part) {
  for (Slot& slot : slots_) {
    slot.trained = part == TrainedPart::all || is_indexer(slot.name) == (part == TrainedPart::indexer);
    slot.value.set_requires_grad(slot.trained);
    // Backward passes add to a gradient that is there, in its place.
    slot.value.mutable_grad() = slot.trained ? slot.gradient : torch::Tensor();
  }
}

torch::Tensor Optimizer::gradient_of(const std::string& name) const {
  for (const Slot& slot : slots_)
    if (slot.name == name) return slot.gradient;
  return {};
}

void Optimizer::zero_gradients() { gradients_.zero_(); }

torch::Tensor Optimizer::clip(double limit) {
  const torch::NoGradGuard no_gradients;
  const torch::Tensor norm = gradients_.norm();
  if (limit > 0.0) gradients_.mul_((limit / (norm + kNormFloor)).clamp_max(1.0));
  return norm;
}

void Optimizer::step(const StepSizes& sizes) {
  step_muon(sizes);
  step_adamw(sizes);
  auto updates = updates_.accessor<std::int64_t, 1>();
  for (std::size_t place = 0; place < slots_.size(); ++place)
    if (slots_[place].trained) ++updates[static_cast<std::int64_t>(place)];
}

void Optimizer::step_muon(const StepSizes& sizes) {
  const MuonOptions options{.learning_rate = sizes.learning_rate, .weight_decay = sizes.weight_decay};
  std::map<std::pair<std::int64_t, std::int64_t>, MuonGroup> groups;  // by [out, in]
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> elements;
  for (const Slot& slot : slots_) {
    if (slot.rule != UpdateRule::muon || !slot.trained) continue;
    const std::pair shape(slot.value.size(-2), slot.value.size(-1));
    MuonGroup& group = groups[shape];
    if (elements[shape] + slot.value.numel() > kMuonBatch) {
      muon_step(group, options);
      group = {};
      elements[shape] = 0;
    }
    group.values.push_back(slot.value);
    group.gradients.push_back(slot.gradient);
    group.momenta.push_back(slot.first);
    elements[shape] += slot.value.numel();
  }
  for (const auto& [shape, group] : groups) muon_step(group, options);
}

void Optimizer::step_adamw(const StepSizes& sizes) {
  const auto updates = updates_.accessor<std::int64_t, 1>();
  std::map<std::int64_t, AdamWGroup> groups;  // by the number of updates so far
  for (std::size_t place = 0; place < slots_.size(); ++place) {
    const Slot& slot = slots_[place];
    if (slot.rule != UpdateRule::adamw || !slot.trained) continue;
    AdamWGroup& group = groups[updates[static_cast<std::int64_t>(place)]];
    group.values.push_back(slot.value);
    group.gradients.push_back(slot.gradient);
    group.first.push_back(slot.first);
    group.second.push_back(slot.second);
  }
  for (const auto& [past, group] : groups)
    adamw_step(group, past + 1, {.learning_rate = sizes.learning_rate, .weight_decay = sizes.weight_decay});
}

std::vector<std::pair<std::string, torch::Tensor>> Optimizer::state() {
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const Slot& slot : slots_) {
    const bool muon = slot.rule == UpdateRule::muon;
    tensors.emplace_back((muon ? "momentum." : "first.") + slot.name, slot.first);
    if (!muon) tensors.emplace_back("second." + slot.name, slot.second);
  }
  tensors.emplace_back("updates", updates_);
  return tensors;
}

}  // namespace fathom::train
