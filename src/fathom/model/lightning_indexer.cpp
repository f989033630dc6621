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

CompressorPlan LightningIndexer::keys_plan(const Step& step) const {
  return {.ratio = config_.ratio(block_),
          .overlap = true,
          .dim = config_.index_dim,
          .norm_eps = config_.norm_eps,
          .kv_tails = step.places(&SequenceCache::index_kv_tail, block_),
          .gate_tails = step.places(&SequenceCache::index_gate_tail, block_),
          .pages = step.places(&SequenceCache::index_keys, block_)};
}

CompleteEntriesArgs LightningIndexer::completed_keys(const Step& step, const CompressorPlan& plan,
                                                     const CompressorInput& input) const {
  CompleteEntriesArgs args = completion(step, weights_.compressor, plan, input);
  args.as = CompletedAs::index_keys;
  args.key = format_;
  return args;
}

View<const std::int32_t, 2> LightningIndexer::select(const Step& step, const IndexerInput& input) const {
  Backend& backend = step.backend;
  const std::int64_t tokens = step.tokens();
  const auto selected = step.arena.take<std::int32_t, 2>({tokens, config_.index_topk});

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
