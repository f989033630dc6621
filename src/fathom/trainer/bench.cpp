#include "fathom/trainer/bench.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>

#include "fathom/checkpoint/random_values.h"
#include "fathom/trainer/flops.h"
#include "fathom/trainer/kernel_times.h"
#include "fathom/trainer/train_step.h"
#include "fathom/trainer/training_run.h"

namespace fathom::train {
namespace {

class Stopwatch {
 public:
  explicit Stopwatch(torch::Device device) : device_(device) { lap(); }
  // Seconds since the last call, the device's work included.
  double lap() {
    if (device_.is_cuda()) torch::cuda::synchronize(device_.index());
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    begin_ = now;
    return seconds;
  }

 private:
  torch::Device device_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

PackedBatch random_batch(const Stage& stage, const ModelConfig& config, torch::Device device) {
  RandomValues random(1, "bench");
  std::vector<PackedRow> rows(static_cast<std::size_t>(stage.rows));
  for (PackedRow& row : rows) {
    for (std::int64_t place = 0; place < stage.length; ++place) {
      row.ids.push_back(static_cast<std::int32_t>(random.below(config.vocab)));
      row.documents.push_back(0);
      row.positions.push_back(static_cast<std::int32_t>(place));
    }
    row.targets.assign(row.ids.begin() + 1, row.ids.end());
    row.targets.push_back(-1);
  }
  return make_batch(rows, config, device);
}

}  // namespace

double multiply_add_peak(torch::Device device, torch::ScalarType type) {
  const torch::NoGradGuard no_gradients;
  double best = 0.0;
  const std::vector<std::int64_t> sizes =
      device.is_cuda() ? std::vector<std::int64_t>{4096, 8192} : std::vector<std::int64_t>{1024, 2048};
  for (const std::int64_t size : sizes) {
    const auto options = torch::TensorOptions().device(device);
    const torch::Tensor left = torch::randn({size, size}, options).to(type);
    const torch::Tensor right = torch::randn({size, size}, options).to(type);
    torch::matmul(left, right);
    for (int round = 0; round < 5; ++round) {
      Stopwatch watch(device);
      const torch::Tensor product = torch::matmul(left, right);
      best = std::max(best, 2.0 * static_cast<double>(size * size * size) / watch.lap());
    }
  }
  return best;
}

namespace {

// One step of a stage again and again, on one batch, as training does it.
class SteppedStage {
 public:
  SteppedStage(const Recipe& recipe, const Stage& stage, torch::Device device)
      : device_(device),
        config_(load_model_config(recipe.config)),
        parameters_(Parameters::random(config_, static_cast<std::uint64_t>(recipe.seed), device)),
        optimizer_(parameters_, recipe.optimizer),
        step_(parameters_, optimizer_, alone_),
        settings_(step_settings(recipe, stage, 0, choose_compute(recipe.compute, device))) {
    optimizer_.train(trained_part(stage));
    rows_.batches.assign(static_cast<std::size_t>(stage.micro_batches), random_batch(stage, config_, device));
    rows_.target_count = rows_.batches.front().target_count * stage.micro_batches;
  }

  const ModelConfig& config() const { return config_; }

  // Seconds, the device's work included.
  double step() {
    Stopwatch watch(device_);
    step_.run(rows_, settings_, {});
    return watch.lap();
  }

 private:
  torch::Device device_;
  ModelConfig config_;
  Parameters parameters_;
  Optimizer optimizer_;
  Ranks alone_;
  TrainStep step_;
  StepSettings settings_;
  StepRows rows_;
};

constexpr int kWarmUp = 3;  // one runs, one is recorded, one replays
constexpr std::size_t kListedKernels = 40;

void list_kernels(const Recipe& recipe, const Stage& stage, torch::Device device) {
  SteppedStage stepped(recipe, stage, device);
  for (int round = 0; round < kWarmUp; ++round) stepped.step();
  double wall = 0.0;
  const auto times = kernel_times([&] { wall = stepped.step(); });
  double busy = 0.0;
  std::int64_t calls = 0;
  for (const KernelTime& time : times) {
    busy += time.seconds;
    calls += time.calls;
  }
  fmt::print("{}: {} kernels, {:.1f} ms busy of {:.1f} ms\n", stage.name, calls, busy * 1e3, wall * 1e3);
  for (std::size_t place = 0; place < std::min(kListedKernels, times.size()); ++place)
    fmt::print("{:>9.2f} ms{:>6}  {:.140}\n", times[place].seconds * 1e3, times[place].calls, times[place].name);
}

}  // namespace

StageSpeed measure_stage(const Recipe& recipe, const Stage& stage, torch::Device device, int rounds) {
  SteppedStage stepped(recipe, stage, device);
  StageSpeed best;
  for (int round = 0; round < kWarmUp; ++round) stepped.step();
  best.seconds = stepped.step();
  for (int round = 1; round < rounds; ++round) best.seconds = std::min(best.seconds, stepped.step());
  best.tokens = stage.tokens_per_step();
  const FlopCount count = token_flops(stepped.config(), stage.length, stage.attention);
  // Where the indexer learns alone nothing else is differentiated; its own part is small beside the forward pass.
  best.flops =
      (stage.train == TrainedPart::indexer ? count.forward() : count.step()) * static_cast<double>(best.tokens);
  return best;
}

void bench(const Recipe& recipe, torch::Device device, bool kernels) {
  const torch::ScalarType compute = choose_compute(recipe.compute, device);
  const double peak = multiply_add_peak(device, compute);
  fmt::print("device {}, {} threads; multiply-add peak {:.1f} GFLOP/s in {} (a square product)\n", device.str(),
             at::get_num_threads(), peak / 1e9, c10::toString(compute));
  fmt::print("{:<16}{:>8}{:>8}{:>12}{:>10}{:>11}{:>12}\n", "stage", "length", "tokens", "tokens/s", "step", "MFLOP/tok",
             "share");
  for (const Stage& stage : recipe.stages) {
    const StageSpeed speed = measure_stage(recipe, stage, device, 5);
    fmt::print("{:<16}{:>8}{:>8}{:>12.0f}{:>9.3f}s{:>11.2f}{:>11.1f}%\n", stage.name, stage.length, speed.tokens,
               static_cast<double>(speed.tokens) / speed.seconds, speed.seconds,
               speed.flops / static_cast<double>(speed.tokens) / 1e6, 100.0 * speed.flops / speed.seconds / peak);
    std::fflush(stdout);
  }
  if (!kernels) return;
  for (const Stage& stage : recipe.stages) list_kernels(recipe, stage, device);
}

}  // namespace fathom::train
