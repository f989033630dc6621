#include "fathom/trainer/parameters.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "fathom/base/error.h"
#include "fathom/base/output_file.h"
#include "fathom/checkpoint/dequantize.h"
#include "fathom/checkpoint/hash_table.h"
#include "fathom/checkpoint/quantize.h"
#include "fathom/checkpoint/random_values.h"
#include "fathom/checkpoint/safetensors_writer.h"
#include "fathom/spec/model_config_json.h"

namespace fathom::train {
namespace {

constexpr float kInitialDeviation = 0.02F;
constexpr float kInitialGating = 0.01F;  // hc_*_scale: streams start nearly without dynamic mixing
constexpr float kInitialLeak = -5.0F;    // logit of a stream flowing into another one, 0 for itself
const float kQuarter = -std::log(3.0F);  // sigmoid: 1/4

// "layers.3.ffn.experts.7.w1" -> "layers.3.ffn.experts.w1", 7
struct StackPlace {
  std::string name;
  std::int64_t expert = 0;
};

StackPlace stack_place(const std::string& name) {
  constexpr std::string_view kExperts = ".experts.";
  const auto number = name.find(kExperts) + kExperts.size();
  const auto end = name.find('.', number);
  return {.name = name.substr(0, number) + name.substr(end + 1),
          .expert = std::stoll(name.substr(number, end - number))};
}

// hc_*_base: a sublayer reads a mean of the streams, writes to each once, and leaves every stream where it is.
std::vector<float> initial_base(const TensorSpec& spec, std::int64_t streams) {
  std::vector<float> base(static_cast<std::size_t>(spec.elements()), 0.0F);
  std::fill_n(base.begin(), streams, kQuarter);
  if (std::ssize(base) == streams) return base;  // the head only reads
  for (std::int64_t from = 0; from < streams; ++from)
    for (std::int64_t to = 0; to < streams; ++to)
      base[static_cast<std::size_t>(2 * streams + from * streams + to)] = from == to ? 0.0F : kInitialLeak;
  return base;
}

std::vector<float> initial_values(const TensorSpec& spec, const ModelConfig& config, std::uint64_t seed) {
  std::vector<float> values(static_cast<std::size_t>(spec.elements()), 0.0F);
  switch (spec.role) {
    case TensorRole::norm: std::fill(values.begin(), values.end(), 1.0F); return values;
    case TensorRole::hc_scale: std::fill(values.begin(), values.end(), kInitialGating); return values;
    case TensorRole::hc_base: return initial_base(spec, config.streams);
    case TensorRole::sink:
    case TensorRole::position_bias:
    case TensorRole::router_bias: return values;
    default: break;
  }
  RandomValues random(seed, values_name(spec));
  for (float& value : values) value = kInitialDeviation * random.normal();
  return values;
}

std::span<const float> floats_of(const torch::Tensor& value) {
  return {value.data_ptr<float>(), static_cast<std::size_t>(value.numel())};
}

}  // namespace

// Walks the table; `floats` and `integers` give the values of a tensor on the host.
template <typename Floats, typename Integers>
Parameters Parameters::assemble(const ModelConfig& config, torch::Device device, const Floats& floats,
                                const Integers& integers) {
  Parameters result;
  result.config_ = config;
  result.hash_tables_.resize(static_cast<std::size_t>(config.layers));
  std::int64_t hash_layer = 0;
  for (const TensorSpec& spec : tensor_table(config)) {
    if (spec.role == TensorRole::hash_table) {
      const std::vector<std::int64_t> table = integers(spec);
      result.hash_tables_[static_cast<std::size_t>(hash_layer++)] =
          torch::tensor(table, torch::kInt64).view({config.vocab, config.selected_experts}).to(device);
      continue;
    }
    const std::vector<float> values = floats(spec);
    const torch::Tensor tensor = torch::tensor(values, torch::kFloat32).view(spec.shape);
    Parameter parameter{.name = spec.name, .role = spec.role, .released = spec.released, .value = tensor};
    if (spec.role == TensorRole::expert) {
      const StackPlace place = stack_place(spec.name);
      parameter.name = place.name;
      parameter.stacked = true;
      if (place.expert > 0) {
        result.parameters_[result.places_.at(place.name)].value[place.expert].copy_(tensor);
        continue;
      }
      parameter.value = torch::empty({config.experts, spec.shape[0], spec.shape[1]});
      parameter.value[0].copy_(tensor);
    }
    result.places_.emplace(parameter.name, result.parameters_.size());
    result.parameters_.push_back(std::move(parameter));
  }
  for (Parameter& parameter : result.parameters_)
    parameter.value = parameter.value.to(device).requires_grad_(parameter.role != TensorRole::router_bias);
  return result;
}

Parameters Parameters::random(const ModelConfig& config, std::uint64_t seed, torch::Device device) {
  config.validate();
  return assemble(
      config, device, [&](const TensorSpec& spec) { return initial_values(spec, config, seed); },
      [&](const TensorSpec& spec) { return random_hash_table(config, seed, spec.name); });
}

Parameters Parameters::load(const Checkpoint& checkpoint, torch::Device device) {
  return assemble(
      checkpoint.config(), device,
      [&](const TensorSpec& spec) {
        return spec.linear || spec.role == TensorRole::hc_mix ? dequantize(checkpoint.linear(spec.name))
                                                              : checkpoint.floats(spec.name);
      },
      [&](const TensorSpec& spec) {
        const std::vector<std::int32_t> table = checkpoint.integers(spec.name);
        return std::vector<std::int64_t>(table.begin(), table.end());
      });
}

const Parameter& Parameters::parameter(std::string_view name) const {
  const auto place = places_.find(std::string(name));
  if (place == places_.end()) throw InternalError("[parameters] the model has no parameter {}", name);
  return parameters_[place->second];
}

bool Parameters::contains(std::string_view name) const { return places_.contains(std::string(name)); }

const torch::Tensor& Parameters::hash_table(std::int64_t layer) const {
  check(config_.routes_by_hash(layer), "the layer routes by hash");
  return hash_tables_[static_cast<std::size_t>(layer)];
}

void Parameters::convert(torch::ScalarType type) {
  for (Parameter& parameter : parameters_)
    parameter.value = parameter.value.detach().to(type).requires_grad_(parameter.role != TensorRole::router_bias);
}

void Parameters::write(const std::filesystem::path& directory, bool exact) const {
  const std::vector<TensorSpec> table = tensor_table(config_);
  const auto storage = [&](const TensorSpec& spec) {
    const bool wide = exact && std::find(spec.allowed.begin(), spec.allowed.end(), Storage::f32) != spec.allowed.end();
    return wide ? Storage::f32 : spec.released;
  };
  std::vector<TensorPlan> plan;
  for (const TensorSpec& spec : table)
    for (const StoredTensor& tensor : stored_tensors(spec, storage(spec)))
      plan.push_back({.name = tensor.name, .dtype = dtype_from_name(tensor.dtype).value(), .shape = tensor.shape});

  SafetensorsWriter writer(directory, std::move(plan), 1);
  std::int64_t hash_layer = 0;
  for (const TensorSpec& spec : table) {
    if (spec.role == TensorRole::hash_table) {
      const torch::Tensor ids = hash_table(hash_layer++).to(torch::kCPU).contiguous();
      writer.write(spec.name,
                   std::as_bytes(std::span(ids.data_ptr<std::int64_t>(), static_cast<std::size_t>(ids.numel()))));
      continue;
    }
    const bool stacked = spec.role == TensorRole::expert;
    const StackPlace place = stacked ? stack_place(spec.name) : StackPlace{.name = spec.name};
    const torch::Tensor& master = at(place.name);
    const torch::Tensor value =
        (stacked ? master[place.expert] : master).detach().to(torch::kCPU, torch::kFloat32).contiguous();
    const QuantizedRows stored = quantize_rows(floats_of(value), spec.shape.back(), storage(spec));
    writer.write(values_name(spec), stored.values);
    if (!stored.scales.empty()) writer.write(scale_name(spec), stored.scales);
  }
  writer.finish();
  OutputFile file(directory / "config.json");
  file.write(model_config_json(config_));
  file.close();
  file.publish();
}

}  // namespace fathom::train
