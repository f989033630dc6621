// Sparse attention: which keys a query sees, in order; the kernel does the rest.
#include <algorithm>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/attention.h"

namespace fathom {
namespace {

struct Query {
  std::size_t run;
  std::int64_t row;  // of the step
  std::int64_t position;
};

std::vector<Query> queries_of(std::span<const Run> runs) {
  std::vector<Query> queries;
  for (std::size_t run = 0; run < runs.size(); ++run)
    for (std::int64_t token = 0; token < runs[run].tokens; ++token)
      queries.push_back({run, runs[run].first_row + token, runs[run].start + token});
  return queries;
}

// The query's stored keys: window positions ascending, then entries ascending.
std::span<const std::byte* const> keys_of(const SparseAttentionArgs& args, const Query& query, Arena& scratch) {
  const Run& run = args.runs[query.run];
  const std::int64_t visible = args.choice == EntryChoice::none ? 0 : visible_entries(query.position, args.ratio);
  const std::int64_t oldest = std::max<std::int64_t>(0, query.position - args.window + 1);
  const std::int64_t most =
      query.position - oldest + 1 + (args.choice == EntryChoice::selected ? args.selected.extent(1) : visible);
  const std::span<const std::byte*> keys = scratch.take<const std::byte*, 1>({most}).span();
  std::size_t count = 0;
  for (std::int64_t key = oldest; key <= query.position; ++key)
    keys[count++] =
        key < run.start ? args.windows[query.run].row(key) : args.fresh[run.first_row + key - run.start].data();
  if (args.choice == EntryChoice::all)
    for (std::int64_t entry = 0; entry < visible; ++entry) keys[count++] = args.entries[query.run].row(entry);
  if (args.choice == EntryChoice::selected)
    for (const std::int32_t entry : args.selected[query.row].span()) {
      if (entry < 0) break;
      check(entry < visible, "a selected entry is visible to its query");
      keys[count++] = args.entries[query.run].row(entry);
    }
  return keys.first(count);
}

// Heads of one piece: all of them, unless there are fewer queries than threads.
std::int64_t heads_per_piece(std::int64_t heads, std::int64_t queries, std::int64_t threads) {
  constexpr std::int64_t kTileHeads = 16;
  const std::int64_t tiles = (heads + kTileHeads - 1) / kTileHeads;
  const std::int64_t pieces = std::clamp<std::int64_t>((threads + queries - 1) / queries, 1, tiles);
  return (tiles + pieces - 1) / pieces * kTileHeads;
}

}  // namespace

void CpuBackend::do_sparse_attention(const SparseAttentionArgs& args) {
  const std::vector<Query> queries = queries_of(args.runs);
  const std::int64_t heads = args.q.extent(1);
  const std::int64_t head_dim = args.q.extent(2);
  if (queries.empty() || heads == 0) return;
  const std::int64_t some = heads_per_piece(heads, std::ssize(queries), threads());
  const std::int64_t pieces = (heads + some - 1) / some;
  for_each(std::ssize(queries) * pieces, 2 * some * head_dim * args.window, [&](std::int64_t index, Arena& scratch) {
    const Arena::Scope scope(scratch);
    const Query& query = queries[static_cast<std::size_t>(index / pieces)];
    const std::int64_t first = index % pieces * some;
    attention_piece({.format = args.format,
                     .heads = std::min(some, heads - first),
                     .q = args.q[query.row].data() + first * head_dim,
                     .sink = args.sink.data() + first,
                     .scale = args.scale,
                     .keys = keys_of(args, query, scratch),
                     .slots = softmax_slots(args, query.position),
                     .out = args.out[query.row].data() + first * head_dim},
                    scratch);
  });
}

}  // namespace fathom
