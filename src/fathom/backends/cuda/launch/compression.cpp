// Gated pooling, and the indexer's choice.
#include <algorithm>

#include "fathom/backends/cuda/choose/index_shape.h"
#include "fathom/backends/cuda/choose/rounded_size.h"
#include "fathom/backends/cuda/kernels/index.h"
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

void CudaLauncher::do_index_top_k(const IndexTopKArgs& args) {
  const std::int64_t tokens = args.q.extent(0);
  const std::int64_t top_k = args.selected.extent(1);
  check(top_k <= kMostTopK, "[cuda] index_top_k chooses no more than fit in shared memory");
  std::int64_t most_visible = 0;
  for (const Run& run : args.runs)
    most_visible = std::max(most_visible, visible_entries(run.start + run.tokens - 1, args.ratio));
  most_visible = rounded_size(most_visible);
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
                         .shape = shape},
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
