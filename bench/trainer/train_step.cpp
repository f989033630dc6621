// Tokens per second of one micro-batch's forward and backward pass: bench_train_step [cpu|cuda] [rows] [length] [dense]
#include <fmt/format.h>
#include <torch/torch.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "fathom/checkpoint/random_values.h"
#include "fathom/trainer/transformer.h"

namespace {

using namespace fathom;

ModelConfig bench_config() {
  ModelConfig config;
  config.vocab = 8192;
  config.channels = 384;
  config.layers = 9;
  config.mtp_layers = 1;
  config.heads = 6;
  config.head_dim = 128;
  config.rope_dim = 64;
  config.query_latent = 192;
  config.output_groups = 2;
  config.output_latent = 128;
  config.experts = 32;
  config.shared_experts = 1;
  config.selected_experts = 3;
  config.expert_dim = 192;
  config.hash_layers = 2;
  config.route_scale = 1.5F;
  config.window = 128;
  config.index_heads = 8;
  config.index_dim = 64;
  config.index_topk = 128;
  config.compress_ratios = {0, 0, 4, 128, 4, 128, 4, 128, 4, 0};
  config.max_positions = 65536;
  return config;
}

// Two documents a row.
PackedRow random_row(std::int64_t length, std::int64_t vocab, std::uint64_t seed) {
  RandomValues random(seed, "row");
  PackedRow row;
  for (std::int64_t token = 0; token < length; ++token) {
    const std::int64_t cut = length * 2 / 3;
    row.ids.push_back(static_cast<std::int32_t>(random.below(vocab)));
    row.documents.push_back(token < cut ? 0 : 1);
    row.positions.push_back(static_cast<std::int32_t>(token < cut ? token : token - cut));
    row.targets.push_back(static_cast<std::int32_t>(random.below(vocab)));
  }
  return row;
}

// Multiplications and additions of one token's way forth and back, products with weights alone: 6 a parameter used.
double flops_per_token(const train::Parameters& parameters) {
  const ModelConfig& config = parameters.config();
  double used = 0;
  for (const train::Parameter& parameter : parameters.all()) {
    if (parameter.value.dim() < 2 || parameter.role == TensorRole::embedding) continue;
    const double share =
        parameter.stacked ? static_cast<double>(config.selected_experts) / static_cast<double>(config.experts) : 1.0;
    const double times = parameter.role == TensorRole::head ? 1.0 + static_cast<double>(config.mtp_layers) : 1.0;
    used += static_cast<double>(parameter.value.numel()) * share * times;
  }
  return 6 * used;
}

}  // namespace

int main(int argc, char** argv) {
  const torch::Device device(argc > 1 ? argv[1] : "cpu");
  const std::int64_t rows = argc > 2 ? std::atoll(argv[2]) : 2;
  const std::int64_t length = argc > 3 ? std::atoll(argv[3]) : 1024;
  train::LossOptions options;
  if (device.is_cuda()) options.forward.compute = torch::kBFloat16;
  if (argc > 4 && std::string(argv[4]) == "dense") options.forward.attention = train::AttentionStage::dense;

  const ModelConfig config = bench_config();
  train::Parameters parameters = train::Parameters::random(config, 1, device);
  std::vector<PackedRow> packed;
  for (std::int64_t row = 0; row < rows; ++row)
    packed.push_back(random_row(length, config.vocab, static_cast<std::uint64_t>(row)));
  const train::PackedBatch batch = train::make_batch(packed, config, device);
  options.target_count = batch.target_count;
  const train::Transformer transformer(parameters);
  const double tokens = static_cast<double>(rows * length);
  for (int repeat = 0; repeat < 6; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    const train::Losses losses = transformer.loss(batch, options);
    losses.total.backward();
    const double loss = losses.total.item<double>();
    if (device.is_cuda()) torch::cuda::synchronize();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fmt::print("loss {:.4f}  {:.0f} tokens/s  {:.2f} TFLOP/s in weights\n", loss, tokens / seconds,
               tokens / seconds * flops_per_token(parameters) * 1e-12);
    for (train::Parameter& parameter : parameters.all()) parameter.value.mutable_grad() = torch::Tensor();
  }
  return 0;
}
