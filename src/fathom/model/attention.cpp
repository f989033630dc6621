#include "fathom/model/attention.h"

#include <cmath>
#include <optional>
#include <vector>

#include "fathom/model/lightning_indexer.h"

namespace fathom {
namespace {

EntryChoice choice_of(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::sliding: return EntryChoice::none;
    case AttentionKind::csa: return EntryChoice::selected;
    case AttentionKind::hca: return EntryChoice::all;
  }
  return EntryChoice::none;
}

}  // namespace

const RotaryAngles& Attention::angles(const Step& step) const {
  return config_.attention_kind(block_) == AttentionKind::sliding ? step.plain : step.compressed;
}

CompressorPlan Attention::entries_plan(const Step& step) const {
  return {.ratio = config_.ratio(block_),
          .overlap = config_.attention_kind(block_) == AttentionKind::csa,
          .dim = config_.head_dim,
          .norm_eps = config_.norm_eps,
          .kv_tails = step.places(&SequenceCache::kv_tail, block_),
          .gate_tails = step.places(&SequenceCache::gate_tail, block_),
          .pages = step.places(&SequenceCache::entries, block_)};
}

void Attention::forward(const Step& step, View<const float, 2> x, View<float, 2> out) const {
  Backend& backend = step.backend;
  Arena& arena = step.arena;
  const Arena::Scope scope(arena);
  const AttentionKind kind = config_.attention_kind(block_);
  const std::int64_t tokens = step.tokens();
  const std::int64_t heads = config_.heads;
  const std::int64_t head_dim = config_.head_dim;
  const auto [cosine, sine] = angles(step);

  std::optional<LightningIndexer> indexer;
  if (kind == AttentionKind::csa) indexer.emplace(config_, layout_.index_key, block_, *weights_.indexer);

  // All products of x, then all of the query latent.
  const auto query_latent = arena.take<float, 2>({tokens, config_.query_latent});
  const auto kv = arena.take<float, 2>({tokens, head_dim});
  const auto q = arena.take<float, 3>({tokens, heads, head_dim});
  std::vector<LinearOutput> of_x{{.weight = *weights_.wq_a, .out = query_latent}, {.weight = *weights_.wkv, .out = kv}};
  std::vector<LinearOutput> of_latent{{.weight = *weights_.wq_b, .out = q.reshape<2>({tokens, heads * head_dim})}};
  CompressorInput compressor_input;
  IndexerInput indexer_input;
  if (kind != AttentionKind::sliding) compressor_input = plan_input(step, *weights_.compressor, of_x);
  if (indexer) indexer_input = indexer->plan_input(step, of_x, of_latent);
  backend.linears({.x = x, .outputs = of_x});

  // Every head's query is normed without a weight, then rotated. One key, which is the value too, is shared by all
  // heads, in the cache's storage from the start. What heads have seen turns back at the query's position, and each
  // group of heads shrinks through wo_a; wo_b joins the groups.
  const auto windows = step.places(&SequenceCache::window, block_);
  const CompressorPlan plan = kind == AttentionKind::sliding ? CompressorPlan() : entries_plan(step);
  const CompressorPlan keys_plan = indexer ? indexer->keys_plan(step) : CompressorPlan();
  std::vector<CompleteEntriesArgs> completed;
  if (kind != AttentionKind::sliding) {
    completed.push_back(completion(step, *weights_.compressor, plan, compressor_input));
    completed.back().entry = layout_.entry;
  }
  if (indexer) completed.push_back(indexer->completed_keys(step, keys_plan, indexer_input.keys));
  const auto fresh = arena.take<std::byte, 2>({tokens, layout_.entry.row_bytes()});
  const auto heads_out = arena.take<float, 3>({tokens, heads, head_dim});
  const auto latent = arena.take<float, 3>({tokens, config_.output_groups, config_.output_latent});
  AttendArgs attend{
      .products = {.x = query_latent, .outputs = of_latent},
      .rows = {.queries = {.x = q, .weight = {}, .eps = config_.norm_eps, .cosine = cosine, .sine = sine},
               .keys = {.x = kv,
                        .weight = weights_.kv_norm.view(),
                        .eps = config_.norm_eps,
                        .cosine = cosine,
                        .sine = sine,
                        .format = layout_.entry,
                        .rows = fresh}},
      .norm = {{.x = query_latent, .weight = weights_.q_norm.view(), .eps = config_.norm_eps, .out = query_latent}},
      .completed = completed,
      .attention = {.q = q,
                    .format = layout_.entry,
                    .window = config_.window,
                    .fresh = fresh,
                    .choice = choice_of(kind),
                    .ratio = config_.ratio(block_),
                    .selected = {nullptr, {tokens, indexer ? config_.index_topk : 0}},
                    .sink = weights_.attn_sink.view(),
                    .scale = 1.0F / std::sqrt(static_cast<float>(head_dim)),
                    .runs = step.runs,
                    .windows = windows,
                    .entries = plan.pages,
                    .out = heads_out},
      .wo_a = *weights_.wo_a,
      .latent = latent,
      .wo_b = *weights_.wo_b,
      .out = out};
  backend.begin_attend(attend);

  if (indexer) attend.attention.selected = indexer->select(step, indexer_input);
  backend.attend(attend);
}

}  // namespace fathom
