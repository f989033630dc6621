#include "fathom/trainer/attention.h"

#include <cmath>

#include "fathom/trainer/arithmetic.h"
#include "fathom/trainer/compressor.h"
#include "fathom/trainer/fake_quantize.h"
#include "fathom/trainer/lightning_indexer.h"
#include "fathom/trainer/rotary.h"
#include "fathom/trainer/sparse_attention.h"

namespace fathom::train {

using torch::Tensor;

Tensor Attention::entries(const Tensor& x) const {
  const ModelConfig& config = step_.config();
  const Tensor entries = compress(step_, prefix_ + "compressor.",
                                  {.ratio = config.ratio(block_),
                                   .overlap = config.attention_kind(block_) == AttentionKind::csa,
                                   .dim = config.head_dim},
                                  x);
  return step_.options().released_precision ? fake_quantize_entries(entries, config.rope_dim) : entries;
}

// Heads turn back at the query's position, each group of heads shrinks through wo_a, wo_b joins the groups.
Tensor Attention::project_output(const Tensor& heads_out) const {
  const ModelConfig& config = step_.config();
  const std::int64_t groups = config.output_groups;
  const Tensor turned = rotate(heads_out, step_.turns(block_), true);
  const Tensor grouped = turned.view({step_.tokens(), groups, -1}).transpose(0, 1);  // [groups, tokens, in]
  const Tensor wo_a = step_.weight(prefix_ + "wo_a").view({groups, config.output_latent, -1});
  const Tensor latent = torch::bmm(grouped, wo_a.transpose(1, 2));  // [groups, tokens, output_latent]
  return project(latent.transpose(0, 1).reshape({step_.tokens(), -1}), step_.weight(prefix_ + "wo_b"));
}

Attention::Result Attention::forward(const Tensor& x, bool with_index_loss) const {
  const ModelConfig& config = step_.config();
  const AttentionKind kind = config.attention_kind(block_);
  const double eps = static_cast<double>(config.norm_eps);
  const Tensor& turns = step_.turns(block_);

  // Queries through their latent; every head is normed without a weight, then rotated.
  const Tensor query_latent =
      rms_norm(project(x, step_.weight(prefix_ + "wq_a")), step_.wide_weight(prefix_ + "q_norm.weight"), eps);
  Tensor q =
      project(query_latent, step_.weight(prefix_ + "wq_b")).view({step_.tokens(), config.heads, config.head_dim});
  q = rotate(rms_norm(q, Tensor(), eps), turns).view({step_.rows(), step_.length(), config.heads, config.head_dim});

  // One key, which is the value too, shared by all heads.
  Tensor kv = rms_norm(project(x, step_.weight(prefix_ + "wkv")), step_.wide_weight(prefix_ + "kv_norm.weight"), eps);
  kv = rotate(kv.unsqueeze(1), turns).view({step_.rows(), step_.length(), config.head_dim});
  if (step_.options().released_precision) kv = fake_quantize_entries(kv, config.rope_dim);

  SparseAttentionArgs args{.q = q,
                           .kv = kv,
                           .entries = {},
                           .sink = step_.wide_weight(prefix_ + "attn_sink"),
                           .window_hidden = step_.window_hidden(),
                           .entries_hidden = {},
                           .scale = 1.0 / std::sqrt(static_cast<double>(config.head_dim))};
  Result result;
  if (kind != AttentionKind::sliding) {
    args.entries = entries(x);
    args.ratio = config.ratio(block_);
    args.entries_hidden = step_.entries(args.ratio).hidden;
  }
  if (kind == AttentionKind::csa && step_.options().attention != AttentionStage::dense) {
    const LightningIndexer indexer(step_, block_, prefix_ + "indexer.");
    const IndexChoice choice = indexer.choose(x, query_latent, q, args.entries, with_index_loss);
    args.entries_hidden = choice.hidden;
    result.index_loss = choice.loss;
  }
  const Tensor heads_out = sparse_attention(args).view({step_.tokens(), config.heads, config.head_dim});
  result.out = project_output(heads_out);
  return result;
}

}  // namespace fathom::train
