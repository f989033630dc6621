// For tests: a whole model of odd sizes with random weights, small enough for the reference backend. No two dimensions
// are alike, so that a mixed-up shape shows; epsilons, scales and thetas differ too.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "fathom/checkpoint/checkpoint.h"
#include "fathom/checkpoint/random_checkpoint.h"

namespace fathom::testing {

// A directory that vanishes.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::atomic<int> count{0};
    path_ = std::filesystem::temp_directory_path() / fmt::format("fathom_folder_{}_{}", ::getpid(), ++count);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Blocks: 0 sliding and hashed, 1 CSA and hashed, 2 HCA, 3 CSA, 4 the MTP block.
inline ModelConfig small_config() {
  ModelConfig config;
  config.vocab = 57;
  config.channels = 64;
  config.layers = 4;
  config.mtp_layers = 1;
  config.heads = 6;
  config.head_dim = 90;
  config.rope_dim = 16;
  config.query_latent = 24;
  config.output_groups = 2;
  config.output_latent = 20;
  config.experts = 5;
  config.shared_experts = 1;
  config.selected_experts = 2;
  config.expert_dim = 32;
  config.hash_layers = 2;
  config.route_scale = 1.75F;
  config.swiglu_limit = 0.5F;
  config.window = 7;
  config.index_heads = 3;
  config.index_dim = 32;
  config.index_topk = 2;
  config.compress_ratios = {0, 4, 6, 4, 0};
  config.streams = 3;
  config.sinkhorn_iterations = 5;
  config.hc_eps = 1e-3F;
  config.norm_eps = 1e-5F;
  config.rope_theta = 1000.0;
  config.compress_rope_theta = 50000.0;
  config.yarn = {.factor = 8.0, .original_max_positions = 256, .beta_fast = 4.0, .beta_slow = 1.0};
  config.max_positions = 300;
  config.bos_token = 0;
  config.eos_token = 1;
  return config;
}

// A random checkpoint of `config` on disk, while this lives.
class SmallModel {
 public:
  explicit SmallModel(const ModelConfig& config, std::uint64_t seed = 11) {
    write_random_checkpoint(config, directory(), {.seed = seed});
    checkpoint_ = std::make_shared<const Checkpoint>(Checkpoint::open(directory()));
  }
  std::filesystem::path directory() const { return folder_.path() / "model"; }
  const std::shared_ptr<const Checkpoint>& checkpoint() const { return checkpoint_; }

 private:
  TemporaryFolder folder_;
  std::shared_ptr<const Checkpoint> checkpoint_;
};

}  // namespace fathom::testing
