// Sparse attention: which keys the queries of a piece see, in order; the kernel does the rest.
#include <algorithm>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/attention.h"

namespace fathom {
namespace {

// Neighbouring queries of a run, and some of their heads.
struct Tile {
  std::size_t run = 0;
  std::int64_t token = 0;  // of the run, the first
  std::int64_t queries = 0;
  std::int64_t head = 0;
  std::int64_t heads = 0;
};

// With few heads, queries share the decoding of the keys that they both see. All heads are one piece, unless there are
// fewer queries than threads.
std::vector<Tile> tiles_of(std::span<const Run> runs, std::int64_t heads, std::int64_t threads) {
  constexpr std::int64_t kRows = 32;  // heads of queries
  constexpr std::int64_t kMostQueries = 16;
  constexpr std::int64_t kTileHeads = 16;
  std::int64_t queries = 0;
  for (const Run& run : runs) queries += run.tokens;
  std::vector<Tile> tiles;
  if (queries == 0 || heads == 0) return tiles;
  const std::int64_t most = std::clamp<std::int64_t>(std::min(kRows / heads, queries / threads), 1, kMostQueries);
  const std::int64_t head_tiles = (heads + kTileHeads - 1) / kTileHeads;
  const std::int64_t pieces = std::clamp<std::int64_t>((threads + queries - 1) / queries, 1, head_tiles);
  const std::int64_t some = (head_tiles + pieces - 1) / pieces * kTileHeads;
  for (std::size_t run = 0; run < runs.size(); ++run)
    for (std::int64_t token = 0; token < runs[run].tokens; token += most)
      for (std::int64_t head = 0; head < heads; head += some)
        tiles.push_back({.run = run,
                         .token = token,
                         .queries = std::min(most, runs[run].tokens - token),
                         .head = head,
                         .heads = std::min(some, heads - head)});
  return tiles;
}

std::int64_t selected_entries(std::span<const std::int32_t> selected) {
  return std::find_if(selected.begin(), selected.end(), [](std::int32_t entry) { return entry < 0; }) -
         selected.begin();
}

// The keys of a tile's queries, and where each query has its own.
class TileKeys {
 public:
  TileKeys(const SparseAttentionArgs& args, const Tile& tile, Arena& scratch)
      : args_(args), run_(args.runs[tile.run]), tile_(tile) {
    const std::int64_t first = position(0);
    const std::int64_t last = position(tile.queries - 1);
    oldest_ = oldest_of(first);
    window_keys_ = last - oldest_ + 1;
    std::int64_t most = window_keys_;
    if (args.choice == EntryChoice::all) most += visible_entries(last, args.ratio);
    if (args.choice == EntryChoice::selected) most += tile.queries * args.selected.extent(1);
    keys_ = scratch.take<const std::byte*, 1>({most}).span();
    queries_ = scratch.take<AttentionQuery, 1>({tile.queries}).span();
    add_windows(last);
    if (args.choice == EntryChoice::all) add_entries(visible_entries(last, args.ratio));
    for (std::int64_t query = 0; query < tile.queries; ++query)
      queries_[static_cast<std::size_t>(query)] = query_of(query);
  }

  std::span<const std::byte* const> keys() const { return keys_.first(count_); }
  std::int64_t window_keys() const { return window_keys_; }
  std::span<const AttentionQuery> queries() const { return queries_; }

 private:
  std::int64_t position(std::int64_t query) const { return run_.start + tile_.token + query; }
  std::int64_t oldest_of(std::int64_t position) const { return std::max<std::int64_t>(0, position - args_.window + 1); }

  void add_windows(std::int64_t last) {
    for (std::int64_t key = oldest_; key <= last; ++key)
      keys_[count_++] =
          key < run_.start ? args_.windows[tile_.run].row(key) : args_.fresh[run_.first_row + key - run_.start].data();
  }

  void add_entries(std::int64_t entries) {
    for (std::int64_t entry = 0; entry < entries; ++entry) keys_[count_++] = args_.entries[tile_.run].row(entry);
  }

  AttentionQuery query_of(std::int64_t query) {
    const std::int64_t row = run_.first_row + tile_.token + query;
    const std::int64_t head_dim = args_.q.extent(2);
    const std::int64_t oldest = oldest_of(position(query));
    const std::int64_t visible = visible_entries(position(query), args_.ratio);
    AttentionQuery result = {.q = args_.q[row].data() + tile_.head * head_dim,
                             .out = args_.out[row].data() + tile_.head * head_dim,
                             .window = {.first = oldest - oldest_, .count = position(query) - oldest + 1, .slot = 0},
                             .entries = {.first = window_keys_, .count = 0, .slot = args_.window},
                             .slots = softmax_slots(args_, position(query)).size()};
    if (args_.choice == EntryChoice::all) result.entries.count = visible;
    if (args_.choice == EntryChoice::selected) {
      result.entries.first = static_cast<std::int64_t>(count_);
      result.entries.count = selected_entries(args_.selected[row].span());
      for (std::int64_t slot = 0; slot < result.entries.count; ++slot) {
        const std::int32_t entry = args_.selected[row][slot];
        check(entry < visible, "a selected entry is visible to its query");
        keys_[count_++] = args_.entries[tile_.run].row(entry);
      }
    }
    return result;
  }

  const SparseAttentionArgs& args_;
  const Run& run_;
  const Tile& tile_;
  std::int64_t oldest_ = 0;  // position of the first key
  std::int64_t window_keys_ = 0;
  std::size_t count_ = 0;
  std::span<const std::byte*> keys_;
  std::span<AttentionQuery> queries_;
};

}  // namespace

void CpuBackend::do_sparse_attention(const SparseAttentionArgs& args) {
  const std::int64_t head_dim = args.q.extent(2);
  const std::vector<Tile> tiles = tiles_of(args.runs, args.q.extent(1), threads());
  if (tiles.empty()) return;
  const std::int64_t work = 2 * tiles.front().queries * tiles.front().heads * head_dim * args.window;
  for_each(std::ssize(tiles), work, [&](std::int64_t index, Arena& scratch) {
    const Arena::Scope scope(scratch);
    const Tile& tile = tiles[static_cast<std::size_t>(index)];
    const TileKeys keys(args, tile, scratch);
    std::span<const std::byte* const> ahead;
    if (index + 1 < std::ssize(tiles))
      ahead = TileKeys(args, tiles[static_cast<std::size_t>(index) + 1], scratch).keys();
    attention_piece({.format = args.format,
                     .heads = tile.heads,
                     .sink = args.sink.data() + tile.head,
                     .scale = args.scale,
                     .keys = keys.keys(),
                     .window_keys = keys.window_keys(),
                     .queries = keys.queries(),
                     .ahead = ahead},
                    scratch);
  });
}

}  // namespace fathom
