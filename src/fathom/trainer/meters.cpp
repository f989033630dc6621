#include "fathom/trainer/meters.h"

#include <torch/torch.h>

#include <cmath>
#include <numbers>

namespace fathom::train {
namespace {

constexpr std::int64_t kMeasures = 6;

}  // namespace

Meters::Meters(torch::Device device)
    : sums_(torch::zeros({kMeasures}, torch::TensorOptions().dtype(torch::kFloat32).device(device))),
      counts_(torch::zeros({3}, torch::kInt64)) {}

void Meters::add(const StepMeasures& step) {
  const torch::NoGradGuard no_gradients;
  // The loss counts by its targets, so that the mean is that of all tokens.
  const torch::Tensor nats = step.language * static_cast<double>(step.targets);
  std::vector<torch::Tensor> measures{nats, step.mtp, step.balance, step.indexer, step.gradient_norm, step.imbalance};
  for (torch::Tensor& measure : measures) measure = measure.detach().to(sums_.options()).squeeze();
  sums_.add_(torch::stack(measures));
  counts_.add_(torch::tensor({std::int64_t{1}, step.targets, step.bytes}, torch::kInt64));
}

bool Meters::finite() const { return torch::isfinite(sums_).all().item<bool>(); }

void Meters::take(CurvePoint& point) {
  const torch::Tensor sums = sums_.to(torch::kCPU).to(torch::kFloat64);
  const auto sum = sums.accessor<double, 1>();
  const auto count = counts_.accessor<std::int64_t, 1>();
  const double steps = static_cast<double>(std::max<std::int64_t>(count[0], 1));
  point.loss = sum[0] / static_cast<double>(std::max<std::int64_t>(count[1], 1));
  point.bits_per_byte = count[2] > 0 ? sum[0] / std::numbers::ln2 / static_cast<double>(count[2]) : 0.0;
  point.mtp = sum[1] / steps;
  point.balance = sum[2] / steps;
  point.indexer = sum[3] / steps;
  point.gradient_norm = sum[4] / steps;
  point.imbalance = sum[5] / steps;
  sums_.zero_();
  counts_.zero_();
}

NamedTensors Meters::state() { return {{"meters.sums", sums_}, {"meters.counts", counts_}}; }

}  // namespace fathom::train
