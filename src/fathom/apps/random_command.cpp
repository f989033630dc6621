// fathom random: a checkpoint of any shape with random weights, in the released format.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "fathom/apps/commands.h"
#include "fathom/apps/generation.h"
#include "fathom/base/error.h"
#include "fathom/base/progress_bar.h"
#include "fathom/checkpoint/random_checkpoint.h"
#include "fathom/spec/layer_choice.h"
#include "fathom/spec/model_config_json.h"
#include "fathom/spec/model_size.h"

namespace fathom {
namespace {

struct RandomOptions {
  std::string preset;
  std::string config;
  std::string out;
  std::uint64_t seed = 0;
  std::int64_t shards = 1;
  std::int64_t layers = 0;  // 0: as the config says
  int threads = 0;
  std::vector<std::string> settings;
};

// "hidden_size=256": a field of config.json and its new value, in JSON or, where it is none, as text. A dot leads into
// an object: "rope_scaling.factor=4".
ModelConfig with_settings(const ModelConfig& config, const std::vector<std::string>& settings) {
  if (settings.empty()) return config;
  nlohmann::json file = nlohmann::json::parse(model_config_json(config));
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    std::string path = "/" + setting.substr(0, equals);
    std::replace(path.begin(), path.end(), '.', '/');
    const bool spelt = equals != std::string::npos && path.find('~') == std::string::npos;  // a pointer's escape
    const nlohmann::json::json_pointer field(spelt ? path : "");
    if (!spelt || !file.contains(field))
      throw InputError("[random] --set {}: expected FIELD=VALUE with a field of config.json", setting);
    const std::string text = setting.substr(equals + 1);
    const nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
    file[field] = value.is_discarded() ? nlohmann::json(text) : value;
  }
  return parse_model_config(file.dump(), "--set");
}

void require_space(const std::filesystem::path& directory, std::int64_t bytes) {
  std::filesystem::path existing = std::filesystem::absolute(directory);
  while (!std::filesystem::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(existing, error);
  if (!error && space.available < static_cast<std::uintmax_t>(bytes))
    throw InputError("[random] {} has {} bytes free, expected {} for this model", existing.string(), space.available,
                     bytes);
}

void run_random(const RandomOptions& options) {
  ModelConfig config = options.preset.empty() ? load_model_config(options.config) : preset_model_config(options.preset);
  if (options.layers != 0) config = with_first_layers(config, options.layers);
  config = with_settings(config, options.settings);
  const ModelSize size = model_size(config);
  require_space(options.out, size.stored.bytes);
  {
    ProgressBar bar("writing");
    write_random_checkpoint(
        config, options.out,
        {.seed = options.seed, .shards = options.shards, .threads = options.threads, .progress = [&](double share) {
           bar.show(share);
         }});
  }
  fmt::print("{}: {} tensors, {} parameters, {} bytes\n", options.out, size.stored.tensors, size.parameters_with_mtp,
             size.stored.bytes);
}

}  // namespace

void add_random_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("random", "write a checkpoint of a given shape with random weights");
  const auto options = std::make_shared<RandomOptions>();
  CLI::Option_group* source = command->add_option_group("source", "one of these");
  source->add_option("--preset", options->preset, fmt::format("{}", fmt::join(preset_names(), ", ")));
  source->add_option("--config", options->config, "a config.json");
  source->require_option(1);
  command->add_option("--out", options->out, "directory to write, without a checkpoint in it")->required();
  add_seed_option(*command, options->seed, "the same seed gives the same bytes (0)");
  command->add_option("--shards", options->shards, "files to write (1)");
  command->add_option("--threads", options->threads, "that make values; 0: as many as this process may run; same bytes")
      ->check(CLI::Range(0, 1024))
      ->envname("FATHOM_THREADS")
      ->capture_default_str();
  command->add_option("--layers", options->layers, "keep only the first N layers of the config");
  command->add_option(
      "--set", options->settings,
      "FIELD=VALUE, another value for a field of config.json, such as rope_scaling.factor=4; repeatable");
  command->callback([options] { run_random(*options); });
}

}  // namespace fathom
