#include "fathom/model/lightning_indexer.h"

#include "fathom/model/compressor.h"

namespace fathom {

void LightningIndexer::store_keys(const Step& step, View<const float, 2> x) const {
  const Arena::Scope scope(step.arena);
  const std::int64_t ratio = config_.ratio(block_);
  const auto keys = compress(step, weights_.compressor,
                             {.ratio = ratio,
                              .overlap = true,
                              .dim = config_.index_dim,
                              .norm_eps = config_.norm_eps,
                              .kv_tails = step.places(&SequenceCache::index_kv_tail, block_),
                              .gate_tails = step.places(&SequenceCache::index_gate_tail, block_)},
                             x);
  step.backend.hadamard({.x = keys});
  step.backend.store_index_keys({.format = format_,
                                 .x = keys,
                                 .ratio = ratio,
                                 .runs = step.runs,
                                 .keys = step.places(&SequenceCache::index_keys, block_)});
}

View<const std::int32_t, 2> LightningIndexer::select(const Step& step, View<const float, 2> x,
                                                     View<const float, 2> query_latent) const {
  Backend& backend = step.backend;
  const std::int64_t tokens = step.tokens();
  const auto selected = step.arena.take<std::int32_t, 2>({tokens, config_.index_topk});

  const Arena::Scope scope(step.arena);
  store_keys(step, x);
  const auto q = step.arena.take<float, 2>({tokens, config_.index_heads * config_.index_dim});
  const auto q_heads = q.reshape<3>({tokens, config_.index_heads, config_.index_dim});
  const auto q_rows = q.reshape<2>({tokens * config_.index_heads, config_.index_dim});
  backend.linear({.weight = *weights_.wq_b, .x = query_latent, .out = q});
  backend.rotate({.x = q_heads, .cosine = step.compressed.cosine, .sine = step.compressed.sine});
  backend.hadamard({.x = q_rows});
  backend.round_index({.x = q_rows, .format = format_});

  // The report scales the weights by 1 / sqrt(index_dim * index_heads): a positive constant, which no choice can see.
  const auto weights = step.arena.take<float, 2>({tokens, config_.index_heads});
  backend.linear({.weight = *weights_.weights_proj, .x = x, .out = weights});
  const auto keys = step.places(&SequenceCache::index_keys, block_);
  const IndexTopKArgs choice{.q = q_heads,
                             .weights = weights,
                             .format = format_,
                             .ratio = config_.ratio(block_),
                             .runs = step.runs,
                             .keys = keys,
                             .selected = selected};
  backend.index_top_k(choice);
  if (step.observer != nullptr) step.observer->on_index(block_, choice);
  return selected;
}

}  // namespace fathom
