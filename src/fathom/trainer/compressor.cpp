#include "fathom/trainer/compressor.h"

#include <torch/csrc/autograd/custom_function.h>

#include <limits>

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/rotary.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

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

// The same in one pass; `places` says of every token which row of ape it takes, a one in that column.
struct DevicePool : torch::autograd::Function<DevicePool> {
  static Tensor forward(AutogradContext* context, const Tensor& kv, const Tensor& gate, const Tensor& ape,
                        const Tensor& places, const device::PoolBlocks& blocks) {
    const device::Pooled pooled = device::pool(blocks, kv, gate, ape);
    context->save_for_backward({kv, gate, ape, places, blocks.first, blocks.no_previous, blocks.unused, pooled.out,
                                pooled.largest, pooled.sum});
    context->saved_data["ratio"] = blocks.ratio;
    context->saved_data["overlap"] = blocks.overlap;
    return pooled.out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const device::PoolBlocks blocks{.first = saved[4],
                                    .no_previous = saved[5],
                                    .unused = saved[6],
                                    .ratio = context->saved_data["ratio"].toInt(),
                                    .overlap = context->saved_data["overlap"].toBool()};
    const auto result = device::pool_backward(blocks, saved[0], saved[1], saved[2],
                                              {.out = saved[7], .largest = saved[8], .sum = saved[9]}, gradients[0]);
    return {result.kv, result.gate, wide_product(saved[3].t(), result.gate), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor compress(const Step& step, const std::string& prefix, const CompressorPlan& plan, const Tensor& x) {
  const EntryView& entries = step.entries(plan.ratio);
  const Tensor narrow_kv = project(x, step.weight(prefix + "wkv"));
  const auto finish = [&](const Tensor& pooled) {
    const Tensor normed =
        rms_norm(pooled, step.wide_weight(prefix + "norm.weight"), static_cast<double>(step.config().norm_eps));
    const Tensor rotated = rotate(normed.unsqueeze(1), entries.turns);
    return rotated.to(step.compute()).view({step.rows(), entries.count, plan.dim});
  };
  if (device::takes(narrow_kv))
    return finish(DevicePool::apply(narrow_kv, project(x, step.weight(prefix + "wgate")),
                                    step.wide_weight(prefix + "ape"), entries.places,
                                    device::PoolBlocks{.first = entries.first,
                                                       .no_previous = entries.no_previous.flatten(),
                                                       .unused = entries.unused,
                                                       .ratio = plan.ratio,
                                                       .overlap = plan.overlap}));
  const Tensor kv = narrow_kv.to(step.wide());
  // ape's rows are counted from the document's first token, as blocks are.
  const Tensor places = step.batch().positions.flatten().remainder(plan.ratio);
  const Tensor gate = project(x, step.weight(prefix + "wgate")).to(step.wide()) +
                      step.wide_weight(prefix + "ape").index_select(0, places);
  return finish(pool(plan, entries, kv, gate));
}

}  // namespace fathom::train
