#include "fathom/trainer/sparse_attention.h"

#include <torch/csrc/autograd/custom_function.h>

#include <limits>

#include "fathom/trainer/kernels/device.h"
#include "fathom/trainer/row_chunks.h"

namespace fathom::train {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Columns before the keys: the sink, then nothing up to a width that keeps the keys aligned.
constexpr std::int64_t kSinkColumns = 8;

// One chunk's operands, and its scores [rows, tokens * heads, sink columns | 2 block | entries].
class Chunk {
 public:
  Chunk(const SparseAttentionArgs& args, const RowChunk& chunk) : args_(args), chunk_(chunk) {
    block_ = args.window_hidden.size(2);
    heads_ = args.q.size(2);
    dim_ = args.q.size(3);
    blocks_ = chunk.rows * chunk.tokens / block_;
    q_ = chunk.of(args.q).reshape({chunk.rows, chunk.tokens * heads_, dim_});
    keys_ = window_keys();
    if (args.entries.defined()) entries_ = chunk.of_entries(args.entries, args.ratio);
    entry_count_ = args.entries.defined() ? entries_.size(1) : 0;
    width_ = (kSinkColumns + 2 * block_ + entry_count_ + 7) / 8 * 8;
  }

  Tensor scores() const { return torch::empty({chunk_.rows, chunk_.tokens * heads_, width_}, q_.options()); }
  Tensor window_part(const Tensor& scores) const {
    return scores.view({blocks_, block_ * heads_, width_}).narrow(2, kSinkColumns, 2 * block_);
  }
  Tensor entry_part(const Tensor& scores) const { return scores.narrow(2, kSinkColumns + 2 * block_, entry_count_); }

  // Fills a part of `scores` for each kind of key with left . keys * scale.
  void products(Tensor& scores, const Tensor& left, double scale) const {
    Tensor window = window_part(scores);
    at::baddbmm_out(window, window, in_blocks(left), keys_.transpose(1, 2), 0, scale);
    if (entry_count_ == 0) return;
    Tensor entry = entry_part(scores);
    at::baddbmm_out(entry, entry, left, entries_.transpose(1, 2), 0, scale);
  }

  Tensor probabilities() const {
    constexpr double kHidden = -std::numeric_limits<double>::infinity();
    Tensor logits = scores();
    products(logits, q_, args_.scale);
    if (device::takes(logits)) {
      device::attention_softmax(device_scores(), logits);
      return logits;
    }
    window_part(logits).view({blocks_, block_, heads_, 2 * block_}).masked_fill_(chunk_hidden_window(), kHidden);
    if (entry_count_ > 0)
      entry_part(logits)
          .view({chunk_.rows, chunk_.tokens, heads_, entry_count_})
          .masked_fill_(chunk_.of(args_.entries_hidden).narrow(2, 0, entry_count_).unsqueeze(2), kHidden);
    const Tensor by_head = logits.view({chunk_.rows, chunk_.tokens, heads_, width_});
    by_head.select(3, 0).copy_(args_.sink);
    by_head.narrow(3, 1, kSinkColumns - 1).fill_(kHidden);
    const std::int64_t end = kSinkColumns + 2 * block_ + entry_count_;
    if (end < width_) by_head.narrow(3, end, width_ - end).fill_(kHidden);
    return torch::softmax(logits, 2);
  }

  // probabilities . keys
  Tensor weighted_values(const Tensor& probabilities) const {
    Tensor out = torch::bmm(window_part(probabilities), keys_).view({chunk_.rows, chunk_.tokens * heads_, dim_});
    if (entry_count_ > 0) out.baddbmm_(entry_part(probabilities), entries_);
    return out;
  }

  struct Gradients {
    Tensor q, kv, entries, sink;  // of the whole batch
  };

  void add_gradients(const Tensor& out_gradient, Gradients& total) const {
    const Tensor gradient = chunk_.of(out_gradient).reshape(q_.sizes());
    const Tensor p = probabilities();
    const Tensor ds = score_gradients(p, gradient, total.sink);

    const Tensor window_ds = window_part(ds);
    Tensor q_gradient = chunk_.of(total.q);
    Tensor dq = torch::bmm(window_ds, keys_).view(q_.sizes());
    if (entry_count_ > 0) dq.baddbmm_(entry_part(ds), entries_);
    q_gradient.copy_(dq.mul_(args_.scale).view(q_gradient.sizes()));

    Tensor dk = torch::bmm(window_part(p).transpose(1, 2), in_blocks(gradient));
    dk.baddbmm_(window_ds.transpose(1, 2), in_blocks(q_), 1, args_.scale);
    add_window_keys(dk, total.kv);
    if (entry_count_ == 0) return;
    Tensor de = torch::bmm(entry_part(p).transpose(1, 2), gradient);
    de.baddbmm_(entry_part(ds).transpose(1, 2), q_, 1, args_.scale);
    chunk_.of_entries(total.entries, args_.ratio).add_(de);
  }

 private:
  // Of the scores, from those of what they weighed; the sink's are added to `sink`.
  Tensor score_gradients(const Tensor& p, const Tensor& gradient, Tensor& sink) const {
    Tensor dp = scores();
    products(dp, gradient, 1.0);
    if (device::takes(dp)) {
      sink.add_(device::attention_softmax_backward(device_scores(), p, dp));
      return dp;
    }
    dp.narrow(2, 0, kSinkColumns).zero_();
    if (const std::int64_t end = kSinkColumns + 2 * block_ + entry_count_; end < width_)
      dp.narrow(2, end, width_ - end).zero_();
    Tensor ds = at::_softmax_backward_data(dp, p, 2, p.scalar_type());
    sink.add_(ds.view({-1, heads_, width_}).select(2, 0).sum(0, false, sink.scalar_type()));
    return ds;
  }

  device::AttentionScores device_scores() const {
    return {.sink = args_.sink,
            .window_hidden = chunk_hidden_window(),
            .entries_hidden = entry_count_ > 0 ? chunk_.of(args_.entries_hidden) : Tensor(),
            .sink_columns = kSinkColumns,
            .entries = entry_count_};
  }

  Tensor in_blocks(const Tensor& x) const { return x.view({blocks_, block_ * heads_, dim_}); }

  Tensor chunk_hidden_window() const {
    return args_.window_hidden.narrow(0, chunk_.row, chunk_.rows)
        .narrow(1, chunk_.token / block_, chunk_.tokens / block_)
        .reshape({blocks_, block_, 1, 2 * block_});
  }

  // Each block's keys behind those of the block before it: [blocks, 2 block, head_dim].
  Tensor window_keys() const {
    const Tensor rows = args_.kv.narrow(0, chunk_.row, chunk_.rows);
    const Tensor own = rows.narrow(1, chunk_.token, chunk_.tokens).reshape({chunk_.rows, -1, block_, dim_});
    const Tensor before = chunk_.token == 0 ? torch::zeros({chunk_.rows, 1, block_, dim_}, own.options())
                                            : rows.narrow(1, chunk_.token - block_, block_).unsqueeze(1);
    const Tensor previous = torch::cat({before, own.narrow(1, 0, own.size(1) - 1)}, 1);
    return torch::cat({previous, own}, 2).view({blocks_, 2 * block_, dim_});
  }

  void add_window_keys(const Tensor& gradient, const Tensor& total) const {
    const Tensor both = gradient.view({chunk_.rows, -1, 2 * block_, dim_});
    const Tensor rows = total.narrow(0, chunk_.row, chunk_.rows);
    const auto in_place = [&](std::int64_t token, std::int64_t tokens, const Tensor& values) {
      if (tokens > 0) rows.narrow(1, token, tokens).add_(values.reshape({chunk_.rows, tokens, dim_}));
    };
    in_place(chunk_.token, chunk_.tokens, both.narrow(2, block_, block_));
    const bool opens = chunk_.token == 0;  // nothing lies before a row's first block
    const Tensor previous = both.narrow(2, 0, block_);
    in_place(opens ? 0 : chunk_.token - block_, opens ? chunk_.tokens - block_ : chunk_.tokens,
             opens ? previous.narrow(1, 1, previous.size(1) - 1) : previous);
  }

  const SparseAttentionArgs& args_;
  const RowChunk& chunk_;
  std::int64_t block_ = 0;
  std::int64_t heads_ = 0;
  std::int64_t dim_ = 0;
  std::int64_t blocks_ = 0;
  std::int64_t entry_count_ = 0;
  std::int64_t width_ = 0;
  Tensor q_;        // [rows, tokens * heads, head_dim]
  Tensor keys_;     // [blocks, 2 block, head_dim]
  Tensor entries_;  // [rows, entries, head_dim]
};

std::vector<RowChunk> chunks_of(const SparseAttentionArgs& args) {
  const std::int64_t entries = args.entries.defined() ? args.entries.size(1) : 0;
  const std::int64_t block = args.window_hidden.size(2);
  return row_chunks({.rows = args.q.size(0),
                     .length = args.q.size(1),
                     .multiple = block,
                     .token_scores = args.q.size(2) * (kSinkColumns + 2 * block + entries),
                     .device = args.q.device()});
}

struct SparseAttention : torch::autograd::Function<SparseAttention> {
  static Tensor forward(AutogradContext* context, const Tensor& q, const Tensor& kv, const Tensor& entries,
                        const Tensor& sink, const Tensor& window_hidden, const Tensor& entries_hidden,
                        std::int64_t ratio, double scale) {
    context->save_for_backward({q, kv, entries, sink, window_hidden, entries_hidden});
    context->saved_data["ratio"] = ratio;
    context->saved_data["scale"] = scale;
    const SparseAttentionArgs args{q, kv, defined(entries), sink, window_hidden, entries_hidden, ratio, scale};
    const auto chunks = chunks_of(args);
    Tensor out = torch::empty(q.sizes(), q.options());
    for (const RowChunk& rows : chunks) {
      const Chunk chunk(args, rows);
      Tensor part = rows.of(out);
      part.copy_(chunk.weighted_values(chunk.probabilities()).view(part.sizes()));
    }
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const SparseAttentionArgs args{saved[0],
                                   saved[1],
                                   defined(saved[2]),
                                   saved[3],
                                   saved[4],
                                   saved[5],
                                   context->saved_data["ratio"].toInt(),
                                   context->saved_data["scale"].toDouble()};
    Chunk::Gradients total{.q = torch::empty(args.q.sizes(), args.q.options()),
                           .kv = torch::zeros_like(args.kv),
                           .entries = args.entries.defined() ? torch::zeros_like(args.entries) : Tensor(),
                           .sink = torch::zeros_like(args.sink)};
    for (const RowChunk& rows : chunks_of(args)) Chunk(args, rows).add_gradients(gradients[0], total);
    return {total.q, total.kv, total.entries, total.sink, Tensor(), Tensor(), Tensor(), Tensor()};
  }

  // What a function takes is always a tensor: an empty one stands for none.
  static Tensor defined(const Tensor& values) { return values.numel() == 0 ? Tensor() : values; }
};

}  // namespace

Tensor sparse_attention(const SparseAttentionArgs& args) {
  const Tensor none = torch::empty({0}, args.q.options());
  const bool compressed = args.entries.defined();
  return SparseAttention::apply(args.q, args.kv, compressed ? args.entries : none, args.sink, args.window_hidden,
                                compressed ? args.entries_hidden : none, args.ratio, args.scale);
}

}  // namespace fathom::train
