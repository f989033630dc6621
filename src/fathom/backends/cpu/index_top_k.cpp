// The lightning indexer: scores of all visible entries, sixteen at a time, then the best of them.
#include <algorithm>
#include <vector>

#include "fathom/backends/cpu/best_of.h"
#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/index_scores.h"

namespace fathom {
namespace {

constexpr std::int64_t kKeys = 16;
constexpr std::int64_t kRankWork = 64;                       // of a score among others, beside a multiply-add
constexpr std::int64_t kSharedWork = std::int64_t{1} << 18;  // multiply-adds for each thread that are worth a loop

// Queries of one run that share a decoded key. More of them where a head or two leave its decoding a large part.
std::int64_t queries_together(std::int64_t heads) { return std::clamp<std::int64_t>(128 / heads, 16, 64); }

// Queries [first, first + count) of a run, that see up to `entries` entries.
struct Queries {
  std::size_t run;
  std::int64_t row;       // of the step
  std::int64_t position;  // of the first
  std::int64_t count;
  std::int64_t entries;
};

void score_entries(const IndexTopKArgs& args, const Queries& queries, std::int64_t first, View<float, 2> scores,
                   Arena& scratch) {
  const std::byte* rows[kKeys];
  const std::int64_t keys = std::min(kKeys, queries.entries - first);
  for (std::int64_t key = 0; key < keys; ++key) rows[key] = args.keys[queries.run].row(first + key);
  index_scores_piece({.format = args.format,
                      .heads = args.q.extent(1),
                      .queries = queries.count,
                      .q = args.q[queries.row].data(),
                      .weights = args.weights[queries.row].data(),
                      .keys = keys,
                      .rows = rows,
                      .scores = scores.data() + first,
                      .score_step = scores.extent(1)},
                     scratch);
}

}  // namespace

void CpuBackend::do_index_top_k(const IndexTopKArgs& args) {
  const std::int64_t query_work = args.q.extent(1) * args.q.extent(2) * kKeys;
  const std::int64_t top_k = args.selected.extent(1);
  const std::int64_t together = queries_together(args.q.extent(1));
  const auto choose = [&](const Queries& queries, Arena& arena) {
    const Arena::Scope scope(arena);
    const std::int64_t step = (queries.entries + kKeys - 1) / kKeys * kKeys;
    const auto scores = arena.take<float, 2>({queries.count, step});
    for_each(step / kKeys, queries.count * query_work,
             [&](std::int64_t keys, Arena& scratch) { score_entries(args, queries, keys * kKeys, scores, scratch); });
    for_each(queries.count, kRankWork * step, [&](std::int64_t query, Arena& scratch) {
      const auto selected = args.selected[queries.row + query].span();
      const std::int64_t visible = visible_entries(queries.position + query, args.ratio);
      const auto chosen = selected.first(static_cast<std::size_t>(std::min(top_k, visible)));
      best_of(scores[query].span().first(static_cast<std::size_t>(visible)), chosen, scratch);
      std::fill(selected.begin() + std::ssize(chosen), selected.end(), -1);
    });
  };
  std::int64_t groups = 0;
  for (const Run& run : args.runs) groups += (run.tokens + together - 1) / together;
  const std::int64_t shared_work = kSharedWork * std::min<std::int64_t>(threads(), groups);
  std::vector<Queries> small;  // too little for all threads: theirs is a choice each
  for (std::size_t index = 0; index < args.runs.size(); ++index) {
    const Run& run = args.runs[index];
    for (std::int64_t first = 0; first < run.tokens; first += together) {
      const std::int64_t count = std::min(together, run.tokens - first);
      const Queries queries = {.run = index,
                               .row = run.first_row + first,
                               .position = run.start + first,
                               .count = count,
                               .entries = visible_entries(run.start + first + count - 1, args.ratio)};
      if (groups > 1 && queries.entries * (query_work / kKeys) * count < shared_work) {
        small.push_back(queries);
      } else {
        choose(queries, scratch_.front());  // the caller's; workers use their own beside it
      }
    }
  }
  std::int64_t most = 0;
  for (const Queries& queries : small)
    most = std::max(most, queries.entries * queries.count * (2 * query_work / kKeys + kRankWork));
  for_each(std::ssize(small), most,
           [&](std::int64_t index, Arena& scratch) { choose(small[static_cast<std::size_t>(index)], scratch); });
}

}  // namespace fathom
