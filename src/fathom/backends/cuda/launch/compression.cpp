// Gated pooling, and the indexer's choice.
#include <algorithm>
#include <cmath>

#include "fathom/backends/cuda/choose/index_shape.h"
#include "fathom/backends/cuda/choose/rounded_size.h"
#include "fathom/backends/cuda/kernels/index.h"
#include "fathom/backends/cuda/kernels/new_rows.h"
#include "fathom/backends/cuda/kernels/pool.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {

void CudaLauncher::do_gated_pool(const GatedPoolArgs& args) {
  if (args.out.extent(0) == 0) return;
  launch_gated_pool(
      {.kv = args.kv.data(),
       .gate = args.gate.data(),
       .ape = args.ape.data(),
       .out = args.out.data(),
       .ratio = args.ratio,
       .columns = args.kv.extent(1),
       .dim = args.out.extent(1),
       .entries = args.out.extent(0),
       .runs = place(
           {.runs = args.runs, .ratio = args.ratio, .rings = args.kv_rings, .rings_2 = args.gate_rings, .paged = {}})},
      device_.stream());
  device_.check_launch("gated_pool");
}

// Not where an entry is pooled from many rows, even if none is completed: attention, which comes next there, took 19
// microseconds behind that launch instead of 8 (docs/notes/2026-11-30-cuda-one-token.md).
bool completes_beside(const CompleteEntriesArgs& args) {
  const GatedPoolArgs& pool = args.pool;
  const std::int64_t dim = pool.out.extent(1);
  const bool lone = std::all_of(pool.runs.begin(), pool.runs.end(), [](const Run& run) { return run.tokens == 1; });
  const bool power_of_two = (dim & (dim - 1)) == 0;
  return lone && dim > 0 && dim <= kMostCompletedDim && pools_few(pool.ratio, pool.overlap) &&
         (args.as == CompletedAs::entries || power_of_two);
}

EntryCompletion CudaLauncher::completion_kernel(const CompleteEntriesArgs& args) {
  const GatedPoolArgs& pool = args.pool;
  const std::int64_t dim = pool.out.extent(1);
  const bool as_keys = args.as == CompletedAs::index_keys;
  const CacheStorage storage = as_keys ? args.key.storage : args.entry.storage;
  return {.pool = {.kv = pool.kv.data(),
                   .gate = pool.gate.data(),
                   .ape = pool.ape.data(),
                   .out = nullptr,
                   .ratio = pool.ratio,
                   .columns = pool.kv.extent(1),
                   .dim = dim,
                   .entries = pool.out.extent(0),
                   .runs = place({.runs = pool.runs,
                                  .ratio = pool.ratio,
                                  .rings = pool.kv_rings,
                                  .rings_2 = pool.gate_rings,
                                  .paged = args.pages})},
          .weight = args.weight.data(),
          .cosine = args.cosine.data(),
          .sine = args.sine.data(),
          .pairs = args.cosine.extent(1),
          .row_bytes = as_keys ? args.key.row_bytes() : args.entry.row_bytes(),
          .released = storage == CacheStorage::released ? 1 : 0,
          .nope = as_keys ? 0 : static_cast<int>(args.entry.nope_dim()),
          .eps = args.eps,
          .scale = as_keys ? static_cast<float>(1.0 / std::sqrt(static_cast<double>(dim))) : 0.0F};
}

namespace {

std::int64_t most_visible_of(const IndexTopKArgs& args) {
  std::int64_t most = 0;
  for (const Run& run : args.runs) most = std::max(most, visible_entries(run.start + run.tokens - 1, args.ratio));
  return rounded_size(most);
}

}  // namespace

void CudaLauncher::do_index_top_k(const IndexTopKArgs& args) { choose_entries(args, {}); }

// Few keys: the queries' codes are made once, by the kernel that makes the queries.
void CudaLauncher::do_select_entries(const SelectEntriesArgs& args) {
  const IndexTopKArgs& choice = args.choice;
  const auto [tokens, heads, index_dim] = choice.q.shape();
  const IndexScoreShape shape = index_score_shape(tokens, most_visible_of(choice), device_.size().multiprocessors);
  if (shape.shares_heads == 0 || shape.tokens < tokens || !index_scores_take_codes(choice.format, heads) ||
      !index_queries_encode(choice.q.data(), index_dim))
    return Backend::do_select_entries(args);
  const Arena::Scope scope(scratch_);
  const IndexQueryCodes codes = {
      .codes = reinterpret_cast<signed char*>(scratch_.take<std::byte, 1>({tokens * heads * index_dim}).data()),
      .scales = scratch_.take<float, 1>({tokens * heads * index_dim / kIndexScaleGroup}).data(),
      .off_grid = scratch_.take<std::int32_t, 1>({tokens * heads}).data()};
  make_index_queries(args.queries, codes);
  choose_entries(choice, codes);
}

void CudaLauncher::choose_entries(const IndexTopKArgs& args, const IndexQueryCodes& codes) {
  const std::int64_t tokens = args.q.extent(0);
  const std::int64_t top_k = args.selected.extent(1);
  check(top_k <= kMostTopK, "[cuda] index_top_k chooses no more than fit in shared memory");
  const std::int64_t most_visible = most_visible_of(args);
  const IndexScoreShape shape = index_score_shape(tokens, most_visible, device_.size().multiprocessors);
  const PlacedRuns runs =
      place({.runs = args.runs, .ratio = args.ratio, .rings = {}, .rings_2 = {}, .paged = args.keys});

  const Arena::Scope scope(scratch_);
  const std::int64_t score_step = std::max<std::int64_t>(most_visible, 1);
  const auto scores = scratch_.take<float, 2>({shape.tokens, score_step});
  const std::int64_t candidates = most_visible > kTopKPart ? top_k_candidates(most_visible, top_k) : 0;
  const auto first_candidates = scratch_.take<RankBits, 2>({shape.tokens, candidates});
  const auto second_candidates = scratch_.take<RankBits, 2>({shape.tokens, candidates});
  for (std::int64_t first = 0; first < tokens; first += shape.tokens) {
    const std::int64_t count = std::min(shape.tokens, tokens - first);
    launch_index_scores({.format = args.format,
                         .q = args.q.data(),
                         .weights = args.weights.data(),
                         .heads = args.q.extent(1),
                         .ratio = args.ratio,
                         .first = first,
                         .count = count,
                         .runs = runs,
                         .scores = scores.data(),
                         .score_step = score_step,
                         .shape = shape,
                         .encoded = codes},
                        device_.stream());
    device_.check_launch("index scores");
    launch_top_k({.scores = scores.data(),
                  .score_step = score_step,
                  .ratio = args.ratio,
                  .first = first,
                  .count = count,
                  .top_k = top_k,
                  .most_visible = most_visible,
                  .runs = runs,
                  .candidates = {first_candidates.data(), second_candidates.data()},
                  .candidate_step = candidates,
                  .selected = args.selected.data()},
                 device_.stream());
    device_.check_launch("top_k");
  }
}

}  // namespace fathom::cuda
