// The released models as built-in data (source: their config.json files, DeepSeek-V4-Flash and -Pro, April 2026), and
// two small ones of the same architecture.
#include <fmt/format.h>

#include <array>

#include "fathom/base/error.h"
#include "fathom/spec/model_config.h"

namespace fathom {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"deepseek-v4-flash",    "deepseek-v4-pro", "deepseek-v4-flash-base",
                                                    "deepseek-v4-pro-base", "minnow",          "tiny-flash"};
constexpr std::int64_t kHcaRatio = 128;

// What the two models have in common.
ModelConfig family() {
  ModelConfig config;
  config.vocab = 129280;
  config.mtp_layers = 1;
  config.head_dim = 512;
  config.rope_dim = 64;
  config.output_latent = 1024;
  config.shared_experts = 1;
  config.selected_experts = 6;
  config.hash_layers = 3;
  config.swiglu_limit = 10.0F;
  config.window = 128;
  config.index_heads = 64;
  config.index_dim = 128;
  config.streams = 4;
  config.sinkhorn_iterations = 20;
  config.hc_eps = 1e-6F;
  config.norm_eps = 1e-6F;
  config.rope_theta = 10000.0;
  config.compress_rope_theta = 160000.0;
  config.yarn = {.factor = 16.0, .original_max_positions = 65536, .beta_fast = 32.0, .beta_slow = 1.0};
  config.max_positions = 1048576;
  return config;
}

// From layer 2 on, CSA on even layers and HCA on odd ones; the MTP block sees the window alone.
void plan_layers(ModelConfig& config, std::int64_t first_two) {
  config.compress_ratios.clear();
  for (std::int64_t layer = 0; layer < config.layers; ++layer)
    config.compress_ratios.push_back(layer < 2 ? first_two : layer % 2 == 0 ? kCsaRatio : kHcaRatio);
  config.compress_ratios.push_back(0);
}

ModelConfig flash() {
  ModelConfig config = family();
  config.channels = 4096;
  config.layers = 43;
  config.heads = 64;
  config.query_latent = 1024;
  config.output_groups = 8;
  config.experts = 256;
  config.expert_dim = 2048;
  config.route_scale = 1.5F;
  config.index_topk = 512;
  plan_layers(config, 0);
  return config;
}

ModelConfig pro() {
  ModelConfig config = family();
  config.channels = 7168;
  config.layers = 61;
  config.heads = 128;
  config.query_latent = 1536;
  config.output_groups = 16;
  config.experts = 384;
  config.expert_dim = 3072;
  config.route_scale = 2.5F;
  config.index_topk = 1024;
  plan_layers(config, kHcaRatio);
  return config;
}

// models/minnow, which fathom trained itself.
ModelConfig minnow() {
  ModelConfig config = family();
  config.vocab = 8192;
  config.channels = 320;
  config.layers = 9;
  config.heads = 4;
  config.head_dim = 128;
  config.query_latent = 160;
  config.output_groups = 2;
  config.output_latent = 128;
  config.experts = 16;
  config.selected_experts = 4;
  config.expert_dim = 128;
  config.route_scale = 1.5F;
  config.index_heads = 8;
  config.index_dim = 64;
  config.index_topk = 128;
  config.max_positions = 131072;
  plan_layers(config, 0);
  return config;
}

// What the tests compute goldens of.
ModelConfig tiny_flash() {
  ModelConfig config = family();
  config.vocab = 512;
  config.channels = 128;
  config.layers = 6;
  config.heads = 4;
  config.head_dim = 128;
  config.query_latent = 64;
  config.output_groups = 2;
  config.output_latent = 32;
  config.experts = 8;
  config.selected_experts = 3;
  config.expert_dim = 64;
  config.hash_layers = 2;
  config.route_scale = 1.5F;
  config.window = 32;
  config.index_heads = 16;
  config.index_dim = 64;
  config.index_topk = 16;
  plan_layers(config, 0);
  return config;
}

ModelConfig config_of(std::string_view name) {
  if (name == "minnow") return minnow();
  if (name == "tiny-flash") return tiny_flash();
  ModelConfig config = name.find("flash") != std::string_view::npos ? flash() : pro();
  if (name.ends_with("-base")) config.expert_format = ExpertFormat::fp8;
  return config;
}

}  // namespace

std::vector<std::string_view> preset_names() { return {kNames.begin(), kNames.end()}; }

ModelConfig preset_model_config(std::string_view name) {
  for (const std::string_view known : kNames) {
    if (name != known) continue;
    ModelConfig config = config_of(name);
    config.validate();
    return config;
  }
  throw InputError("[config] preset \"{}\" is unknown, expected one of {}", name, fmt::join(kNames, ", "));
}

}  // namespace fathom
