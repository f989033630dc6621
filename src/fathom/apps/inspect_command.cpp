// fathom inspect: what a checkpoint or a preset is, counted. Of a checkpoint only the headers are read.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "fathom/apps/commands.h"
#include "fathom/base/error.h"
#include "fathom/checkpoint/checkpoint.h"
#include "fathom/spec/kv_size.h"
#include "fathom/spec/model_size.h"
#include "fathom/spec/tensor_table.h"

namespace fathom {
namespace {

struct InspectOptions {
  std::string directory;
  std::string preset;
  std::string config;
  bool json = false;
  bool tensors = false;
};

// What there is to tell, whether it lies on a disk or in a table.
struct Subject {
  std::string name;
  ModelConfig config;
  ModelSize size;  // of a checkpoint: stored and by_dtype count its files
  std::vector<std::string> notes;
  std::optional<Checkpoint> checkpoint;
};

// 1048576 as "1,048,576".
std::string grouped(std::int64_t value) {
  std::string digits = fmt::format("{}", value);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t place = digits.size(); place > first + 3; place -= 3) digits.insert(place - 3, ",");
  return digits;
}

std::string gibibytes(std::int64_t bytes) {
  constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
  return fmt::format("{:.2f} GiB", static_cast<double>(bytes) / kGib);
}

void count_files(const Checkpoint& checkpoint, ModelSize& size) {
  size.stored = {};
  size.mtp = {};
  size.by_dtype.clear();
  const auto add = [](TensorTotals& totals, const SafetensorsTensor& tensor) {
    totals.tensors += 1;
    totals.elements += tensor.elements();
    totals.bytes += static_cast<std::int64_t>(tensor.bytes.size());
  };
  for (const SafetensorsFile& file : checkpoint.files())
    for (const SafetensorsTensor& tensor : file.tensors()) {
      add(size.stored, tensor);
      add(size.by_dtype[std::string(name_of(tensor.dtype))], tensor);
      if (tensor.name.starts_with("mtp.")) add(size.mtp, tensor);
    }
}

Subject subject_of(const InspectOptions& options) {
  if (!options.preset.empty()) {
    const ModelConfig config = preset_model_config(options.preset);
    std::vector<std::string> notes;
    if (config.expert_format == ExpertFormat::fp8)
      notes.emplace_back(
          "Base checkpoints also store scales as F32 and compressors as F8_E4M3: their bytes may differ");
    return {.name = options.preset, .config = config, .size = model_size(config), .notes = notes, .checkpoint = {}};
  }
  if (!options.config.empty()) {
    const ModelConfig config = load_model_config(options.config);
    return {.name = options.config, .config = config, .size = model_size(config), .notes = {}, .checkpoint = {}};
  }
  Checkpoint checkpoint = Checkpoint::open(options.directory);
  Subject subject{.name = options.directory,
                  .config = checkpoint.config(),
                  .size = model_size(checkpoint.config()),
                  .notes = checkpoint.notes(),
                  .checkpoint = {}};
  count_files(checkpoint, subject.size);
  subject.checkpoint.emplace(std::move(checkpoint));
  return subject;
}

// Trunk layers by the compression ratio of their attention.
std::map<std::int64_t, std::int64_t> layers_by_ratio(const ModelConfig& config) {
  std::map<std::int64_t, std::int64_t> layers;
  for (std::int64_t layer = 0; layer < config.layers; ++layer) ++layers[config.ratio(layer)];
  return layers;
}

std::string layer_plan(const ModelConfig& config) {
  std::vector<std::string> kinds;
  for (const auto& [ratio, layers] : layers_by_ratio(config)) {
    if (ratio == 0) {
      kinds.push_back(fmt::format("{} sliding", layers));
    } else {
      kinds.push_back(fmt::format("{} {} (ratio {})", layers, ratio == kCsaRatio ? "CSA" : "HCA", ratio));
    }
  }
  return fmt::format("{}", fmt::join(kinds, ", "));
}

void line(std::string_view label, std::string_view text) { fmt::print("{:<15}{}\n", label, text); }

void print_architecture(const ModelConfig& config) {
  line("layers", fmt::format("{}: {}; {} MTP", config.layers, layer_plan(config), config.mtp_layers));
  line("channels", fmt::format("{} in {} streams, vocabulary {}, {} positions", grouped(config.channels),
                               config.streams, grouped(config.vocab), grouped(config.max_positions)));
  line("attention", fmt::format("{} heads of {}, {} of them rotated; query latent {}; output in {} groups of {}",
                                config.heads, config.head_dim, config.rope_dim, grouped(config.query_latent),
                                config.output_groups, grouped(config.output_latent)));
  line("", fmt::format("window {}", grouped(config.window)));
  if (layers_by_ratio(config).contains(kCsaRatio))
    line("indexer",
         fmt::format("{} heads of {}, top {}", config.index_heads, config.index_dim, grouped(config.index_topk)));
  line("experts",
       fmt::format("{} routed, {} per token, and {} shared; width {}; {} hash-routed layers", config.experts,
                   config.selected_experts, config.shared_experts, grouped(config.expert_dim), config.hash_layers));
}

void print_size(const ModelSize& size, bool on_disk) {
  if (size.parameters_with_mtp != size.parameters_without_mtp)
    line("parameters", fmt::format("{} with MTP", grouped(size.parameters_with_mtp)));
  line(size.parameters_with_mtp != size.parameters_without_mtp ? "" : "parameters",
       fmt::format("{} without MTP", grouped(size.parameters_without_mtp)));
  for (const auto& [part, parameters] : size.parameters_by_part)
    line("", fmt::format("  {:<18}{:>22}", part, grouped(parameters)));
  line("active", fmt::format("{} per token", grouped(size.active_with_embedding_and_head)));
  line("", fmt::format("{} without the embedding", grouped(size.active_without_embedding)));
  line("", fmt::format("{} without embedding and head", grouped(size.active_without_embedding_and_head)));
  fmt::print("\n");
  line("tensors", fmt::format("{}{}", grouped(size.stored.tensors), on_disk ? "" : " as released"));
  line("bytes", fmt::format("{} ({})", grouped(size.stored.bytes), gibibytes(size.stored.bytes)));
  for (const auto& [dtype, totals] : size.by_dtype)
    line("", fmt::format("  {:<8}{:>9} tensors {:>20} bytes", dtype, grouped(totals.tensors), grouped(totals.bytes)));
  if (size.mtp.tensors > 0)
    line("", fmt::format("  of which MTP {} tensors, {} bytes", grouped(size.mtp.tensors), grouped(size.mtp.bytes)));
}

void print_kv(const ModelConfig& config) {
  const auto per_token = static_cast<std::int64_t>(kv_bytes_per_token(config));
  const std::int64_t whole = kv_bytes(config, config.max_positions);
  line("KV cache", fmt::format("{} bytes per token", grouped(per_token)));
  line("", fmt::format("{} bytes of windows per sequence", grouped(window_bytes(config))));
  line("", fmt::format("{} bytes ({}) at {} tokens", grouped(whole), gibibytes(whole), grouped(config.max_positions)));
  line("", fmt::format("{} bytes an entry, {} an indexer key", kv_entry_bytes(config), index_key_bytes(config)));
}

void print_tensors(const Subject& subject) {
  if (subject.checkpoint) {
    for (const SafetensorsFile& file : subject.checkpoint->files())
      for (const SafetensorsTensor& tensor : file.tensors())
        fmt::print("{} {} [{}] {} {}\n", tensor.name, name_of(tensor.dtype), fmt::join(tensor.shape, ", "),
                   tensor.bytes.size(), file.path().filename().string());
    return;
  }
  for (const TensorSpec& spec : tensor_table(subject.config))
    for (const StoredTensor& tensor : stored_tensors(spec, spec.released))
      fmt::print("{} {} [{}] {}\n", tensor.name, tensor.dtype, fmt::join(tensor.shape, ", "), tensor.bytes());
}

void print_report(const Subject& subject) {
  line("model", subject.name);
  line("", fmt::format("{} tensors, {} bytes, {} parameters{}, {} KV bytes per token",
                       grouped(subject.size.stored.tensors), grouped(subject.size.stored.bytes),
                       grouped(subject.size.parameters_with_mtp), subject.config.mtp_layers > 0 ? " with MTP" : "",
                       grouped(static_cast<std::int64_t>(kv_bytes_per_token(subject.config)))));
  if (subject.checkpoint) line("files", fmt::format("{}", subject.checkpoint->files().size()));
  for (const std::string& note : subject.notes) line("note", note);
  fmt::print("\n");
  print_architecture(subject.config);
  fmt::print("\n");
  print_size(subject.size, subject.checkpoint.has_value());
  fmt::print("\n");
  print_kv(subject.config);
}

nlohmann::ordered_json totals_json(const TensorTotals& totals) {
  return {{"tensors", totals.tensors}, {"elements", totals.elements}, {"bytes", totals.bytes}};
}

nlohmann::ordered_json tensors_json(const Subject& subject) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  if (subject.checkpoint) {
    for (const SafetensorsFile& file : subject.checkpoint->files())
      for (const SafetensorsTensor& tensor : file.tensors())
        list.push_back({{"name", tensor.name},
                        {"dtype", name_of(tensor.dtype)},
                        {"shape", tensor.shape},
                        {"bytes", tensor.bytes.size()},
                        {"file", file.path().filename().string()}});
    return list;
  }
  for (const TensorSpec& spec : tensor_table(subject.config))
    for (const StoredTensor& tensor : stored_tensors(spec, spec.released))
      list.push_back(
          {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.bytes()}});
  return list;
}

void print_json(const Subject& subject, bool with_tensors) {
  const ModelConfig& config = subject.config;
  const ModelSize& size = subject.size;
  nlohmann::ordered_json report = {{"model", subject.name}, {"notes", subject.notes}};
  nlohmann::ordered_json by_ratio = nlohmann::ordered_json::object();
  for (const auto& [ratio, layers] : layers_by_ratio(config)) by_ratio[fmt::format("{}", ratio)] = layers;
  report["layers"] = {{"total", config.layers}, {"mtp", config.mtp_layers}, {"by_compress_ratio", by_ratio}};
  report["parameters"] = {{"with_mtp", size.parameters_with_mtp},
                          {"without_mtp", size.parameters_without_mtp},
                          {"by_part", size.parameters_by_part}};
  report["active_parameters"] = {{"with_embedding_and_head", size.active_with_embedding_and_head},
                                 {"without_embedding", size.active_without_embedding},
                                 {"without_embedding_and_head", size.active_without_embedding_and_head}};
  report["stored"] = totals_json(size.stored);
  report["stored"]["mtp"] = totals_json(size.mtp);
  for (const auto& [dtype, totals] : size.by_dtype) report["stored"]["by_dtype"][dtype] = totals_json(totals);
  report["kv"] = {{"bytes_per_token", kv_bytes_per_token(config)},
                  {"entry_bytes", kv_entry_bytes(config)},
                  {"index_key_bytes", index_key_bytes(config)},
                  {"window_bytes", window_bytes(config)},
                  {"max_positions", config.max_positions},
                  {"bytes_at_max_positions", kv_bytes(config, config.max_positions)}};
  if (with_tensors) report["tensors"] = tensors_json(subject);
  fmt::print("{}\n", report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void run_inspect(const InspectOptions& options) {
  const Subject subject = subject_of(options);
  if (options.json) return print_json(subject, options.tensors);
  if (options.tensors) return print_tensors(subject);
  print_report(subject);
}

}  // namespace

void add_inspect_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("inspect", "say what a checkpoint or a preset is, counted");
  const auto options = std::make_shared<InspectOptions>();
  CLI::Option_group* source = command->add_option_group("source", "one of these");
  source->add_option("directory", options->directory,
                     "checkpoint: config.json and safetensors (headers alone are read)");
  source->add_option("--preset", options->preset, fmt::format("{}", fmt::join(preset_names(), ", ")));
  source->add_option("--config", options->config, "a config.json, without weights");
  source->require_option(1);
  command->add_flag("--json", options->json, "as JSON");
  command->add_flag("--tensors", options->tensors, "every tensor: name, dtype, shape, bytes, file");
  command->callback([options] { run_inspect(*options); });
}

}  // namespace fathom
