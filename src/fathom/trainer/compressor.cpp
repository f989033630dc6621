#include "fathom/trainer/compressor.h"

#include <limits>

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/rotary.h"

namespace fathom::train {
namespace {

using torch::Tensor;

// The first half of the columns serves the block after, the second half the block itself (model/compressor's layout).
Tensor pool(const CompressorPlan& plan, const EntryView& entries, const Tensor& kv, const Tensor& gate) {
  const auto blocks = [&](const Tensor& rows, const Tensor& tokens, std::int64_t first) {
    return rows.narrow(1, first, plan.dim).index_select(0, tokens).view({-1, plan.ratio, plan.dim});
  };
  if (!plan.overlap) return (blocks(kv, entries.tokens, 0) * blocks(gate, entries.tokens, 0).softmax(1)).sum(1);
  const Tensor before =
      blocks(gate, entries.previous, 0).masked_fill(entries.no_previous, -std::numeric_limits<double>::infinity());
  const Tensor weights = torch::cat({before, blocks(gate, entries.tokens, plan.dim)}, 1).softmax(1);
  const Tensor values = torch::cat({blocks(kv, entries.previous, 0), blocks(kv, entries.tokens, plan.dim)}, 1);
  return (values * weights).sum(1);
}

}  // namespace

Tensor compress(const Step& step, const std::string& prefix, const CompressorPlan& plan, const Tensor& x) {
  const EntryView& entries = step.entries(plan.ratio);
  const Tensor kv = project(x, step.weight(prefix + "wkv")).to(step.wide());
  // ape's rows are counted from the document's first token, as blocks are.
  const Tensor places = step.batch().positions.flatten().remainder(plan.ratio);
  const Tensor gate = project(x, step.weight(prefix + "wgate")).to(step.wide()) +
                      step.wide_weight(prefix + "ape").index_select(0, places);
  const Tensor pooled = rms_norm(pool(plan, entries, kv, gate), step.wide_weight(prefix + "norm.weight"),
                                 static_cast<double>(step.config().norm_eps));
  const Tensor rotated = rotate(pooled.unsqueeze(1), entries.turns);
  return rotated.to(step.compute()).view({step.rows(), entries.count, plan.dim});
}

}  // namespace fathom::train
