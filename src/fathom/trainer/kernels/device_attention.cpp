#include <algorithm>

#include "fathom/base/error.h"
#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/kernels/device_launch.h"
#include "fathom/trainer/kernels/kernels.h"

namespace fathom::train::device {
namespace {

using torch::Tensor;

constexpr std::int64_t kVector = 8;
constexpr std::int64_t kMostChoices = 11264;  // what a block's shared memory holds
constexpr std::int64_t kMostHeads = 16;

// Holds what a call's pointers point to.
struct SoftmaxOperands {
  Tensor sink, window_hidden, entries_hidden;

  SoftmaxOperands(const AttentionScores& scores)
      : sink(wide(scores.sink)),
        window_hidden(scores.window_hidden.contiguous()),
        entries_hidden(scores.entries_hidden.defined() ? scores.entries_hidden.contiguous() : Tensor()) {}

  AttentionSoftmaxKernelArgs args(const AttentionScores& scores, const Tensor& values) const {
    const std::int64_t window = scores.window_hidden.size(-1);
    AttentionSoftmaxKernelArgs result{.scores = values.data_ptr(),
                                      .sink = sink.data_ptr<float>(),
                                      .window_hidden = window_hidden.data_ptr<bool>(),
                                      .tokens = window_hidden.numel() / window,
                                      .heads = sink.numel(),
                                      .width = values.size(-1),
                                      .sink_columns = scores.sink_columns,
                                      .window = window,
                                      .entries = scores.entries,
                                      .bf16 = is_bf16(values)};
    if (entries_hidden.defined()) {
      result.entries_hidden = entries_hidden.data_ptr<bool>();
      result.entries_stride = entries_hidden.size(-1);
    }
    check_equal(values.numel(), result.tokens * result.heads * result.width, "scores of the attention kernels");
    return result;
  }
};

PoolKernelArgs pool_args(const PoolBlocks& blocks, const Tensor& kv, const Tensor& gate, const Tensor& ape) {
  return {.kv = kv.data_ptr(),
          .gate = gate.data_ptr(),
          .ape = ape.data_ptr<float>(),
          .first = blocks.first.data_ptr<std::int64_t>(),
          .no_previous = blocks.no_previous.data_ptr<bool>(),
          .unused = blocks.unused.data_ptr<bool>(),
          .entries = blocks.first.numel(),
          .ratio = blocks.ratio,
          .dim = blocks.overlap ? kv.size(1) / 2 : kv.size(1),
          .columns = kv.size(1),
          .overlap = blocks.overlap,
          .bf16 = is_bf16(kv)};
}

}  // namespace

void attention_softmax(const AttentionScores& scores, Tensor& values) {
  const SoftmaxOperands operands(scores);
  launch(values, attention_softmax_kernel, operands.args(scores, values));
}

Tensor attention_softmax_backward(const AttentionScores& scores, const Tensor& probabilities, Tensor& values) {
  const SoftmaxOperands operands(scores);
  AttentionSoftmaxKernelArgs args = operands.args(scores, values);
  Tensor sink_gradient = torch::empty({args.tokens, args.heads}, wide_options(values));
  args.probabilities = probabilities.data_ptr();
  args.sink_gradient = sink_gradient.data_ptr<float>();
  launch(values, attention_softmax_backward_kernel, args);
  return sink_gradient.sum(0);
}

Pooled pool(const PoolBlocks& blocks, const Tensor& kv, const Tensor& gate, const Tensor& ape) {
  const Tensor rows = kv.contiguous(), gates = gate.contiguous(), places = wide(ape);
  PoolKernelArgs args = pool_args(blocks, rows, gates, places);
  Pooled result;
  result.out = torch::empty({args.entries, args.dim}, wide_options(rows));
  result.largest = torch::empty_like(result.out);
  result.sum = torch::empty_like(result.out);
  args.out = result.out.data_ptr<float>();
  args.largest = result.largest.data_ptr<float>();
  args.sum = result.sum.data_ptr<float>();
  launch(rows, pool_forward_kernel, args);
  return result;
}

PoolGradients pool_backward(const PoolBlocks& blocks, const Tensor& kv, const Tensor& gate, const Tensor& ape,
                            const Pooled& pooled, const Tensor& gradient) {
  const Tensor rows = kv.contiguous(), gates = gate.contiguous(), places = wide(ape), change = wide(gradient);
  PoolGradients result{torch::zeros_like(rows), torch::zeros_like(gates)};
  PoolKernelArgs args = pool_args(blocks, rows, gates, places);
  args.out = pooled.out.data_ptr<float>();
  args.largest = pooled.largest.data_ptr<float>();
  args.sum = pooled.sum.data_ptr<float>();
  args.gradient = change.data_ptr<float>();
  args.kv_gradient = result.kv.data_ptr();
  args.gate_gradient = result.gate.data_ptr();
  launch(rows, pool_backward_kernel, args);
  return result;
}

bool takes_index(const Tensor& products, std::int64_t main_heads) {
  const std::int64_t entries = products.size(-1);
  return takes(products) && entries % kVector == 0 && entries <= kMostChoices && main_heads <= kMostHeads;
}

Tensor index_scores(const Tensor& products, const Tensor& weights) {
  const Tensor factors = weights.contiguous();
  Tensor scores = torch::empty({products.size(0), products.size(2)}, wide_options(products));
  launch(products, index_scores_kernel,
         IndexKernelArgs{.products = products.data_ptr(),
                         .weights = factors.data_ptr(),
                         .scores = scores.data_ptr<float>(),
                         .tokens = products.size(0),
                         .heads = products.size(1),
                         .entries = products.size(2),
                         .bf16 = is_bf16(products)});
  return scores;
}

void index_choose(const Tensor& scores, std::int64_t top_k, Tensor& hidden) {
  check(hidden.is_contiguous(), "what the indexer hides is contiguous");
  launch(scores, index_choose_kernel,
         IndexKernelArgs{.scores = scores.data_ptr<float>(),
                         .hidden = hidden.data_ptr<bool>(),
                         .tokens = scores.size(0),
                         .entries = scores.size(1),
                         .hidden_stride = hidden.size(-1),
                         .top_k = std::min(top_k, scores.size(1))});
}

IndexComparison index_compare(const Tensor& scores, const Tensor& hidden, const Tensor& main_products, double scale) {
  const Tensor unseen = hidden.contiguous();
  IndexComparison result{torch::empty(scores.sizes(), main_products.options()),
                         torch::empty({scores.size(0)}, scores.options())};
  launch(scores, index_compare_kernel,
         IndexKernelArgs{.scores = scores.data_ptr<float>(),
                         .hidden = unseen.data_ptr<bool>(),
                         .main_products = main_products.data_ptr(),
                         .change = result.change.data_ptr(),
                         .loss = result.loss.data_ptr<float>(),
                         .tokens = scores.size(0),
                         .entries = scores.size(1),
                         .hidden_stride = unseen.size(-1),
                         .main_heads = main_products.size(1),
                         .main_scale = static_cast<float>(scale),
                         .bf16 = is_bf16(main_products)});
  return result;
}

Tensor index_back(const Tensor& change, const Tensor& weights, Tensor& products) {
  const Tensor factors = weights.contiguous();
  Tensor gradient = torch::empty_like(factors);
  launch(products, index_back_kernel,
         IndexKernelArgs{.products = products.data_ptr(),
                         .weights = factors.data_ptr(),
                         .change = change.data_ptr(),
                         .weights_gradient = gradient.data_ptr(),
                         .tokens = products.size(0),
                         .heads = products.size(1),
                         .entries = products.size(2),
                         .bf16 = is_bf16(products)});
  return gradient;
}

}  // namespace fathom::train::device
