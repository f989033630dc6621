#include "fathom/trainer/held_out.h"

#include <torch/torch.h>

#include <algorithm>
#include <numbers>

#include "fathom/trainer/step_reader.h"

namespace fathom::train {

HeldOutSet::HeldOutSet(const HeldOutOptions& options, const Ranks& ranks) : device_(options.device) {
  for (const HeldOutShard& part : options.recipe.shards) {
    // One "step" of all rows; a forward pass takes as many as divide them, so that the rows never depend on the ranks.
    std::int64_t rows = std::min(options.rows, options.recipe.rows);
    while (options.recipe.rows % rows != 0) --rows;
    StepReader reader({.stream = {.parts = {{.shard = part.shard, .weight = 1.0}}, .length = options.length, .seed = 0},
                       .place = "",
                       .rows = rows,
                       .micro_batches = options.recipe.rows / rows,
                       .rank = ranks.rank(),
                       .ranks = ranks.size(),
                       .steps = 1,
                       .config = options.config,
                       .device = options.device,
                       .token_bytes = options.token_bytes});
    StepRows read = reader.next();
    shards_.push_back({.name = part.name,
                       .batches = std::move(read.batches),
                       .target_count = read.target_count,
                       .target_bytes = read.target_bytes});
  }
}

std::vector<HeldOutPoint> HeldOutSet::evaluate(const Transformer& transformer, const ForwardOptions& forward,
                                               const Ranks& ranks) const {
  const torch::NoGradGuard no_gradients;
  std::vector<HeldOutPoint> points;
  for (const Shard& shard : shards_) {
    torch::Tensor sum = torch::zeros({}, torch::TensorOptions().dtype(torch::kFloat64).device(device_));
    for (const PackedBatch& batch : shard.batches) {
      const Losses losses =
          transformer.loss(batch, {.forward = forward, .target_count = std::max<std::int64_t>(shard.target_count, 1)});
      sum.add_(losses.language.to(torch::kFloat64).squeeze());
    }
    ranks.sum(sum);
    HeldOutPoint point{.step = 0, .name = shard.name, .loss = sum.item<double>()};
    if (shard.target_bytes > 0)
      point.bits_per_byte = point.loss * static_cast<double>(shard.target_count) / std::numbers::ln2 /
                            static_cast<double>(shard.target_bytes);
    points.push_back(point);
  }
  return points;
}

}  // namespace fathom::train
