#include "fathom/trainer/lightning_indexer.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/compressor.h"
#include "fathom/trainer/fake_quantize.h"
#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/rotary.h"
#include "fathom/trainer/row_chunks.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Of what softmaxes must not see. Finite, so that a query without entries gives numbers, which are then left out.
constexpr double kUnseen = -1e30;

// True for the `top_k` largest of the last dimension and, among equals, the first.
Tensor top_entries(const Tensor& scores, std::int64_t top_k) {
  const Tensor least = std::get<0>(scores.topk(top_k, -1, true, false)).amin(-1, true);
  const Tensor above = scores.gt(least);
  const Tensor equal = scores.eq(least);
  const Tensor open = (above.sum(-1, true, torch::kInt32) - static_cast<std::int32_t>(top_k)).neg_();
  return equal.cumsum(-1, torch::kInt32).le(open).logical_and_(equal).logical_or_(above);
}

struct ChunkGradients {
  Tensor q, weights, keys;  // of the whole batch
};

class Chunk {
 public:
  Chunk(const IndexScoreArgs& args, const RowChunk& chunk) : args_(args), chunk_(chunk) {
    wide_ = wide_type(args.q.scalar_type());
    keys_ = chunk.of_entries(args.keys, args.ratio);
    entries_ = keys_.size(1);
    q_ = chunk.of(args.q).reshape({chunk.rows, -1, args.q.size(3)});
    weights_ = chunk.of(args.weights).reshape({chunk.rows * chunk.tokens, 1, -1});
    products_ = torch::bmm(q_, keys_.transpose(1, 2)).view({chunk.rows * chunk.tokens, -1, entries_});
    on_device_ = device::takes_index(products_, args.main_q.defined() ? args.main_q.size(2) : 0);
    hidden_ = chunk.of(args.hidden).narrow(2, 0, entries_);
    if (on_device_) {
      scores_ = device::index_scores(products_, weights_).view({chunk.rows, chunk.tokens, entries_});
      return;
    }
    products_.relu_();
    scores_ = torch::bmm(weights_, products_).view({chunk.rows, chunk.tokens, entries_}).to(wide_);
  }

  // The rest of the entries stays as hidden as it was.
  void choose(Tensor& hidden) {
    if (args_.top_k == 0 || entries_ <= args_.top_k) return;
    if (on_device_) {
      Tensor whole = chunk_.of(hidden);
      device::index_choose(scores_.view({-1, entries_}), args_.top_k, whole);
      hidden_ = whole.narrow(2, 0, entries_);
      return;
    }
    const Tensor seen = scores_.masked_fill(hidden_, -std::numeric_limits<double>::infinity());
    Tensor place = chunk_.of(hidden).narrow(2, 0, entries_);
    place.logical_or_(top_entries(seen, args_.top_k).logical_not_());
    hidden_ = place;
  }

  // The chunk's loss; its gradients go where they belong, for a loss that counts once.
  Tensor compare(ChunkGradients& total) {
    if (on_device_) return compare_on_device(total);
    const Tensor target = attended();
    const Tensor log_share = scores_.masked_fill(hidden_, kUnseen).log_softmax(2);
    const Tensor any = hidden_.all(2, true).logical_not_().to(wide_);
    const Tensor loss = (torch::xlogy(target, target) - target * log_share).mul_(any).sum();
    const Tensor change = log_share.exp().sub_(target).mul_(any).to(q_.scalar_type());

    const Tensor row_change = change.view({chunk_.rows * chunk_.tokens, 1, entries_});
    Tensor weights_place = chunk_.of(total.weights);
    weights_place.copy_(torch::bmm(row_change, products_.transpose(1, 2)).view(weights_place.sizes()));
    const Tensor product_change =
        (weights_.transpose(1, 2) * row_change).mul_(products_.gt(0)).view({chunk_.rows, -1, entries_});
    add_product_change(product_change, total);
    return loss;
  }

 private:
  Tensor compare_on_device(ChunkGradients& total) {
    const Tensor attended = main_products().view({-1, args_.main_q.size(2), entries_});
    const auto compared = device::index_compare(scores_.view({-1, entries_}), hidden_, attended, args_.main_scale);
    Tensor weights_place = chunk_.of(total.weights);
    weights_place.copy_(device::index_back(compared.change, weights_, products_).view(weights_place.sizes()));
    add_product_change(products_.view({chunk_.rows, -1, entries_}), total);
    return compared.loss.sum();
  }

  void add_product_change(const Tensor& change, ChunkGradients& total) const {
    Tensor q_place = chunk_.of(total.q);
    q_place.copy_(torch::bmm(change, keys_).view(q_place.sizes()));
    chunk_.of_entries(total.keys, args_.ratio).add_(torch::bmm(change.transpose(1, 2), q_));
  }

  // The main attention's scores before their scale: [rows, tokens * heads, entries].
  Tensor main_products() const {
    const Tensor main_q = chunk_.of(args_.main_q).reshape({chunk_.rows, chunk_.tokens * args_.main_q.size(2), -1});
    return torch::bmm(main_q, chunk_.of_entries(args_.entries, args_.ratio).transpose(1, 2));
  }

  // p: the main attention's softmax over these entries alone, averaged over heads.
  Tensor attended() const {
    const std::int64_t heads = args_.main_q.size(2);
    Tensor logits = main_products().mul_(args_.main_scale).view({chunk_.rows, chunk_.tokens, heads, entries_});
    logits.masked_fill_(hidden_.unsqueeze(2), kUnseen);
    return logits.softmax(3).sum(2, false, wide_).div_(static_cast<double>(heads));
  }

  const IndexScoreArgs& args_;
  const RowChunk& chunk_;
  torch::ScalarType wide_ = torch::kFloat32;
  std::int64_t entries_ = 0;
  bool on_device_ = false;
  Tensor q_;         // [rows, tokens * index_heads, index_dim]
  Tensor weights_;   // [rows * tokens, 1, index_heads]
  Tensor keys_;      // [rows, entries, index_dim]
  Tensor products_;  // [rows * tokens, index_heads, entries]: q . k, on the host after its ReLU
  Tensor scores_;    // [rows, tokens, entries], wide
  Tensor hidden_;    // [rows, tokens, entries]
};

// Note [Gradients on the way]: the loss is the end of its line, so its gradients are made while the scores are at hand,
// and the way back only scales them.
struct IndexLoss : torch::autograd::Function<IndexLoss> {
  static variable_list forward(AutogradContext* context, const Tensor& q, const Tensor& weights, const Tensor& keys,
                               IndexScoreArgs args, bool with_loss) {
    args.q = q;
    args.weights = weights;
    args.keys = keys;
    const std::int64_t heads = std::max(q.size(2), with_loss ? args.main_q.size(2) : 0);
    const auto chunks = row_chunks(
        {.rows = q.size(0), .length = q.size(1), .token_scores = heads * keys.size(1), .device = q.device()});
    Tensor hidden = args.hidden.clone();
    Tensor loss = torch::zeros({}, q.options().dtype(wide_type(q.scalar_type())));
    ChunkGradients total;
    if (with_loss)
      total = {.q = torch::zeros_like(q), .weights = torch::zeros_like(weights), .keys = torch::zeros_like(keys)};
    for (const RowChunk& rows : chunks) {
      if (rows.of_entries(keys, args.ratio).size(1) == 0) continue;
      Chunk chunk(args, rows);
      chunk.choose(hidden);
      if (with_loss) loss += chunk.compare(total);
    }
    context->save_for_backward({total.q, total.weights, total.keys});
    context->mark_non_differentiable({hidden});
    return {hidden, loss};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    variable_list result;
    for (const Tensor& gradient : saved)
      result.push_back(gradient.defined() ? gradient * gradients[1].to(gradient.scalar_type()) : Tensor());
    result.resize(5);
    return result;
  }
};

}  // namespace

IndexChoice choose_entries(const IndexScoreArgs& args, bool with_loss) {
  const auto found = IndexLoss::apply(args.q, args.weights, args.keys, args, with_loss);
  return {.hidden = found[0], .loss = with_loss ? found[1] : Tensor()};
}

IndexChoice LightningIndexer::choose(const Tensor& x, const Tensor& query_latent, const Tensor& main_q,
                                     const Tensor& entries, bool with_loss) const {
  const ModelConfig& config = step_.config();
  const std::int64_t ratio = config.ratio(block_);
  const Tensor input = x.detach();
  Tensor q = project(query_latent.detach(), step_.weight(prefix_ + "wq_b"))
                 .view({step_.tokens(), config.index_heads, config.index_dim});
  q = rotate(q, step_.turns(block_));
  Tensor keys =
      compress(step_, prefix_ + "compressor.", {.ratio = ratio, .overlap = true, .dim = config.index_dim}, input);
  // Both sides turn through one Hadamard transform, which no product sees but the rounding behind it does.
  if (step_.options().released_precision) {
    q = fake_quantize_index(q);
    keys = fake_quantize_index(keys);
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(config.index_dim * config.index_heads));
  const Tensor weights = project(input, step_.weight(prefix_ + "weights_proj")) * scale;
  const bool sparse = step_.options().attention == AttentionStage::sparse;
  return choose_entries({.q = q.view({step_.rows(), step_.length(), config.index_heads, config.index_dim}),
                         .weights = weights.view({step_.rows(), step_.length(), config.index_heads}),
                         .keys = keys,
                         .main_q = main_q.detach(),
                         .entries = entries.detach(),
                         .hidden = step_.entries(ratio).hidden,
                         .ratio = ratio,
                         .top_k = sparse ? config.index_topk : 0,
                         .main_scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim))},
                        with_loss);
}

}  // namespace fathom::train
