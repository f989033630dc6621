#include "fathom/model/lightning_indexer.h"

namespace fathom {

IndexerInput LightningIndexer::plan_input(const Step& step, std::vector<LinearOutput>& of_x,
                                          std::vector<LinearOutput>& of_latent) const {
  const std::int64_t tokens = step.tokens();
  const IndexerInput input{.keys = fathom::plan_input(step, weights_.compressor, of_x),
                           .weights = step.arena.take<float, 2>({tokens, config_.index_heads}),
                           .q = step.arena.take<float, 2>({tokens, config_.index_heads * config_.index_dim})};
  of_x.push_back({.weight = *weights_.weights_proj, .out = input.weights});
  of_latent.push_back({.weight = *weights_.wq_b, .out = input.q});
  return input;
}

void LightningIndexer::store_keys(const Step& step, const CompressorInput& input) const {
  const Arena::Scope scope(step.arena);
  const std::int64_t ratio = config_.ratio(block_);
  const auto keys = compress(step, weights_.compressor,
                             {.ratio = ratio,
                              .overlap = true,
                              .dim = config_.index_dim,
                              .norm_eps = config_.norm_eps,
                              .kv_tails = step.places(&SequenceCache::index_kv_tail, block_),
                              .gate_tails = step.places(&SequenceCache::index_gate_tail, block_)},
                             input);
  step.backend.hadamard({.x = keys});
  step.backend.store_index_keys({.format = format_,
                                 .x = keys,
                                 .ratio = ratio,
                                 .runs = step.runs,
                                 .keys = step.places(&SequenceCache::index_keys, block_)});
}

View<const std::int32_t, 2> LightningIndexer::select(const Step& step, const IndexerInput& input) const {
  Backend& backend = step.backend;
  const std::int64_t tokens = step.tokens();
  const auto selected = step.arena.take<std::int32_t, 2>({tokens, config_.index_topk});

  const Arena::Scope scope(step.arena);
  store_keys(step, input.keys);
  const auto q = input.q.reshape<3>({tokens, config_.index_heads, config_.index_dim});

  // The report scales the weights by 1 / sqrt(index_dim * index_heads): a positive constant, which no choice can see.
  const auto keys = step.places(&SequenceCache::index_keys, block_);
  const IndexTopKArgs choice{.q = q,
                             .weights = input.weights,
                             .format = format_,
                             .ratio = config_.ratio(block_),
                             .runs = step.runs,
                             .keys = keys,
                             .selected = selected};
  backend.select_entries(
      {.queries = {.x = q, .cosine = step.compressed.cosine, .sine = step.compressed.sine, .format = format_},
       .choice = choice});
  if (step.observer != nullptr) step.observer->on_index(block_, choice);
  return selected;
}

}  // namespace fathom
