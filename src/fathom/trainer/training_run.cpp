#include "fathom/trainer/training_run.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <map>

#include "fathom/base/error.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/spec/model_config_json.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom::train {
namespace {

std::map<std::string, torch::Tensor> by_name(const NamedTensors& tensors) { return {tensors.begin(), tensors.end()}; }

// `own` takes the values of `saved`, which must have every name with the same shape.
void fill(const NamedTensors& own, const std::map<std::string, torch::Tensor>& saved) {
  const torch::NoGradGuard no_gradients;
  for (const auto& [name, tensor] : own) {
    const auto found = saved.find(name);
    if (found == saved.end()) throw InputError("[state] has no {}, expected it for this model", name);
    if (found->second.sizes() != tensor.sizes())
      throw InputError("[state] {} has shape {}, expected {}", name, fmt::join(found->second.sizes(), " x "),
                       fmt::join(tensor.sizes(), " x "));
    tensor.detach().copy_(found->second);
  }
}

NamedTensors weights(const Parameters& parameters) {
  NamedTensors tensors;
  for (const Parameter& parameter : parameters.all()) tensors.emplace_back("weight." + parameter.name, parameter.value);
  for (std::int64_t layer = 0; layer < parameters.config().hash_layers; ++layer)
    tensors.emplace_back(fmt::format("hash_table.{}", layer), parameters.hash_table(layer));
  return tensors;
}

Parameters starting_parameters(const Recipe& recipe, torch::Device device) {
  const ModelConfig config = load_model_config(recipe.config);
  if (recipe.start.extension() == ".safetensors") {
    Parameters parameters = Parameters::random(config, static_cast<std::uint64_t>(recipe.seed), device);
    fill(weights(parameters), by_name(read_state(recipe.start).tensors));
    return parameters;
  }
  if (recipe.start.empty()) return Parameters::random(config, static_cast<std::uint64_t>(recipe.seed), device);
  const Checkpoint checkpoint = Checkpoint::open(recipe.start);
  if (!(checkpoint.config() == config))
    throw InputError("[train] {} is another model than {}: {} against {}", recipe.start.string(),
                     recipe.config.string(), model_config_json(checkpoint.config()), model_config_json(config));
  return Parameters::load(checkpoint, device);
}

}  // namespace

torch::Device choose_device(const std::string& name, std::int64_t rank) {
  if (name != "auto" && name != "cpu" && name != "cuda")
    throw InputError("[train] device is \"{}\", expected auto, cpu or cuda", name);
  const bool cuda = torch::cuda::is_available();
  if (name == "cuda" && !cuda) throw InputError("[train] device is cuda, but this machine offers none to LibTorch");
  if (name == "cpu" || !cuda) return torch::kCPU;
  const auto devices = static_cast<std::int64_t>(torch::cuda::device_count());
  if (rank >= devices) throw InputError("[train] rank {} has no device: {} are there", rank, devices);
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(rank)};
}

torch::ScalarType choose_compute(const std::string& name, torch::Device device) {
  if (name == "auto") return device.is_cuda() ? torch::kBFloat16 : torch::kFloat32;
  if (name == "float32") return torch::kFloat32;
  if (name == "bfloat16") return torch::kBFloat16;
  throw InputError("[train] compute is \"{}\", expected auto, float32 or bfloat16", name);
}

std::vector<std::int32_t> token_bytes(const std::filesystem::path& tokenizer, std::int64_t vocab) {
  if (tokenizer.empty()) return {};
  const Tokenizer loaded = Tokenizer::load(tokenizer);
  std::vector<std::int32_t> bytes(static_cast<std::size_t>(vocab), 0);
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(std::min(vocab, loaded.vocab())); ++id)
    bytes[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(loaded.piece(id).size());
  return bytes;
}

TrainingRun::TrainingRun(const RunOptions& options, torch::Device device, std::vector<std::string>& notes)
    : options_(options), states_(options.out / "state"), meters_(device) {
  std::optional<StateFile> state = states_.read_newest(notes);
  begin(device);
  if (!state) {
    if (!notes.empty())
      throw InputError("[train] no state in {} is whole: {}", (options.out / "state").string(), fmt::join(notes, "; "));
    notes.push_back(fmt::format("begins: {} parameters", [&] {
      std::int64_t count = 0;
      for (const Parameter& parameter : parameters_->all()) count += parameter.value.numel();
      return count;
    }()));
    return;
  }
  restore(std::move(*state), notes);
  notes.push_back(fmt::format("goes on from step {}", place_.step));
}

void TrainingRun::begin(torch::Device device) {
  parameters_ = std::make_unique<Parameters>(starting_parameters(options_.recipe, device));
  optimizer_ = std::make_unique<Optimizer>(*parameters_, options_.recipe.optimizer);
  place_.identity = options_.recipe.identity();
  place_.config = model_config_json(parameters_->config());
  place_.threads = at::get_num_threads();
  torch::manual_seed(static_cast<std::uint64_t>(options_.recipe.seed));
}

void TrainingRun::restore(StateFile state, std::vector<std::string>& notes) {
  RunPlace saved = RunPlace::parse(state.text, fmt::format("step {}", state.step));
  if (saved.config != place_.config)
    throw InputError("[train] the state is of another model: {} against the recipe's {}", saved.config, place_.config);
  if (!options_.accept_changes) check_same_recipe(saved, place_.identity);
  const std::map<std::string, torch::Tensor> tensors_by_name = by_name(state.tensors);
  fill(tensors(), tensors_by_name);
  const auto random = tensors_by_name.find("random.cpu");
  if (random == tensors_by_name.end()) throw InputError("[state] has no random.cpu, expected it in every state");
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  generator.set_state(random->second);
  for (const auto& entry : state.tensors)
    if (entry.first.starts_with("routes.")) routes_.push_back(entry);
  if (saved.threads != place_.threads)
    notes.push_back(fmt::format("{} threads now, {} before: on a CPU the last bits of sums will differ", place_.threads,
                                saved.threads));
  saved.identity = place_.identity;
  saved.threads = place_.threads;
  place_ = std::move(saved);
}

NamedTensors TrainingRun::tensors() {
  NamedTensors all = weights(*parameters_);
  for (const auto& entry : optimizer_->state()) all.push_back(entry);
  for (const auto& entry : meters_.state()) all.push_back(entry);
  return all;
}

void TrainingRun::save(const NamedTensors& routes) {
  StateFile state{.step = place_.step, .text = place_.text(), .tensors = tensors()};
  state.tensors.emplace_back("random.cpu", at::detail::getDefaultCPUGenerator().get_state());
  for (const auto& entry : routes) state.tensors.push_back(entry);
  states_.write(state);
}

void TrainingRun::write_release(const std::filesystem::path& directory) const {
  if (options_.recipe.plain_residuals)
    throw InputError("[train] {}: residuals is \"plain\", the released format holds hyper_connections alone",
                     options_.recipe.file.string());
  const std::filesystem::path partial = directory.string() + ".partial";
  const std::filesystem::path old = directory.string() + ".old";
  std::filesystem::remove_all(partial);
  parameters_->write(partial, false);
  if (!options_.recipe.tokenizer.empty())
    std::filesystem::copy_file(options_.recipe.tokenizer, partial / "tokenizer.json");
  std::filesystem::remove_all(old);
  if (std::filesystem::exists(directory)) std::filesystem::rename(directory, old);
  std::filesystem::rename(partial, directory);
  std::filesystem::remove_all(old);
}

}  // namespace fathom::train
