#include "fathom/backends/cpu/kernels/attention.h"

#include <algorithm>

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/attention.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/cache_control.h>

#include "fathom/backends/cpu/kernels/coded_keys_inl.h"
#include "fathom/backends/cpu/kernels/entry_inl.h"
#include "fathom/backends/cpu/kernels/sum_inl.h"
#include "fathom/backends/cpu/kernels/tile_inl.h"
#include "fathom/backends/cpu/kernels/turn_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

inline constexpr std::int64_t kBlockKeys = 64;      // decoded at a time: 128 KiB of floats at head_dim 512
inline constexpr std::int64_t kKeptFloats = 40960;  // 160 KiB of the second cache: keys that few heads decode once
inline constexpr std::int64_t kPanelFloats = 8192;  // 32 KiB of the first cache: keys side by side

constexpr std::int64_t up_to_tile(std::int64_t count) { return (count + 15) / 16 * 16; }

// What a query sees of the decoded keys: [first, end), counted from the first of them, and their slot.
struct Share {
  std::int64_t query = 0;
  std::int64_t first = 0;
  std::int64_t end = 0;
  std::int64_t slot = 0;
};

// Scratch of one piece. A row is a head of a query; columns and slots are padded to whole tiles.
struct AttentionScratch {
  AttentionScratch(const AttentionPiece& piece, Arena& arena)
      : rows(std::ssize(piece.queries) * piece.heads),
        columns(up_to_tile(piece.format.head_dim)),
        key_step(columns + 16),  // not a power of two: lines of one column in many keys must not share a cache set
        row_bytes(piece.format.row_bytes()),
        kept(std::ssize(piece.keys) <= HWY_MAX(kBlockKeys, kKeptFloats / key_step)),
        keys(arena.take<float, 1>({(kept ? HWY_MAX(1, std::ssize(piece.keys)) : kBlockKeys) * key_step}).data()),
        panel_keys(HWY_MAX(16, HWY_MIN(kBlockKeys, kPanelFloats / HWY_MAX(columns, 1) / 16 * 16))),
        panel(arena.take<float, 1>({columns * panel_keys}).data()),
        products(arena.take<float, 1>({rows * panel_keys}).data()),
        sums(arena.take<float, 1>({rows * columns}).data()),
        shares(arena.take<Share, 1>({std::ssize(piece.queries)}).data()),
        in_rows(arena.take<const float*, 1>({3 * rows}).data()),
        out_rows(arena.take<float*, 1>({rows}).data()) {
    for (const AttentionQuery& query : piece.queries) slots = HWY_MAX(slots, up_to_tile(query.slots));
    scores = arena.take<float, 1>({rows * slots}).data();
  }

  // Decoded keys from `first` on, of a block that begins there.
  float* keys_from(std::int64_t first) const { return keys + (kept ? first * key_step : 0); }
  float* scores_of(std::int64_t row) const { return scores + row * slots; }

  std::int64_t rows;
  std::int64_t columns;
  std::int64_t key_step;
  std::int64_t slots = 0;
  std::int64_t row_bytes;
  bool kept;    // all decoded keys, not those of a block alone
  float* keys;  // [keys, key_step]
  std::int64_t panel_keys;
  float* panel;     // [columns, panel_keys]
  float* products;  // [rows, panel_keys]
  float* sums;      // [rows, columns]
  Share* shares;
  const float** in_rows;
  float** out_rows;
  float* scores = nullptr;  // [rows, slots]
};

struct Block {
  std::int64_t first = 0;
  std::int64_t keys = 0;
};

// Every block once: none has keys of windows and entries.
template <typename Body>
HWY_INLINE void for_each_block(const AttentionPiece& piece, const Body& body) {
  const std::int64_t keys = std::ssize(piece.keys);
  for (std::int64_t first = 0; first < keys;) {
    const std::int64_t end = first < piece.window_keys ? piece.window_keys : keys;
    const Block block = {.first = first, .keys = HWY_MIN(kBlockKeys, end - first)};
    body(block);
    first += block.keys;
  }
}

HWY_INLINE std::span<const Share> shares_in(const AttentionPiece& piece, const Block& block,
                                            const AttentionScratch& scratch) {
  std::size_t count = 0;
  for (std::int64_t index = 0; index < std::ssize(piece.queries); ++index) {
    const AttentionQuery& query = piece.queries[static_cast<std::size_t>(index)];
    const KeyRange& range = block.first < piece.window_keys ? query.window : query.entries;
    const std::int64_t first = HWY_MAX(block.first, range.first);
    const std::int64_t end = HWY_MIN(block.first + block.keys, range.end());
    if (first < end)
      scratch.shares[count++] = {.query = index,
                                 .first = first - block.first,
                                 .end = end - block.first,
                                 .slot = range.slot + first - range.first};
  }
  return {scratch.shares, count};
}

// Chosen entries lie anywhere in memory: one that is decoded soon is asked for now.
HWY_INLINE void prefetch_row(std::span<const std::byte* const> keys, std::int64_t key, std::int64_t bytes) {
  if (key >= std::ssize(keys)) return;
  const std::byte* row = keys[static_cast<std::size_t>(key)];
  for (std::int64_t line = 0; line < bytes; line += 64) hwy::Prefetch(row + line);
}

HWY_INLINE void decode_keys(const AttentionPiece& piece, const Block& block, const AttentionScratch& scratch) {
  constexpr std::int64_t kAhead = 4;
  for (std::int64_t key = 0; key < block.keys; ++key) {
    prefetch_row(piece.keys, block.first + key + kAhead, scratch.row_bytes);
    float* row = scratch.keys_from(block.first) + key * scratch.key_step;
    decode_row(piece.format, piece.keys[static_cast<std::size_t>(block.first + key)], row);
    for (std::int64_t column = piece.format.head_dim; column < scratch.columns; ++column) row[column] = 0.0F;
  }
}

// `count` decoded keys side by side, as many columns as there are; lanes behind them, up to a tile, have the last key.
HWY_INLINE void transpose_keys(const float* keys, std::int64_t count, const AttentionScratch& scratch) {
  const float* rows[kLanes];
  for (std::int64_t key = 0; key < up_to_tile(count); key += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      rows[lane] = keys + HWY_MIN(key + lane, count - 1) * scratch.key_step;
    turn_rows(rows, scratch.columns, scratch.panel_keys, scratch.panel + key);
  }
}

// scores[row, slot] = q[row] . key for the block's keys; turn(first, count) lays some of them side by side in the
// panel.
template <typename Turn>
HWY_INLINE void score_keys(const AttentionPiece& piece, const Block& block, const AttentionScratch& scratch,
                           const Turn& turn) {
  const std::int64_t head_dim = piece.format.head_dim;
  const std::span<const Share> shares = shares_in(piece, block, scratch);
  for (std::int64_t first = 0; first < block.keys; first += scratch.panel_keys) {
    const std::int64_t end = HWY_MIN(block.keys, first + scratch.panel_keys);
    turn(first, end - first);
    for (std::int64_t key = first; key < end; ++key)  // where the next piece's are
      prefetch_row(piece.ahead, block.first + key, scratch.row_bytes);
    std::int64_t rows = 0;
    for (const Share& share : shares) {
      if (share.end <= first || share.first >= end) continue;
      for (std::int64_t head = 0; head < piece.heads; ++head, ++rows) {
        scratch.in_rows[rows] = piece.queries[static_cast<std::size_t>(share.query)].q + head * head_dim;
        scratch.out_rows[rows] = scratch.products + rows * scratch.panel_keys;
      }
    }
    std::memset(scratch.products, 0, static_cast<std::size_t>(rows * scratch.panel_keys) * sizeof(float));
    multiply_tile({.x = scratch.in_rows,
                   .panel = scratch.panel,
                   .panel_step = scratch.panel_keys,
                   .depth = head_dim,
                   .out = scratch.out_rows,
                   .rows = rows,
                   .tiles = up_to_tile(end - first) / 16});
    rows = 0;
    for (const Share& share : shares) {
      if (share.end <= first || share.first >= end) continue;
      const std::int64_t from = HWY_MAX(first, share.first);
      const std::int64_t count = HWY_MIN(end, share.end) - from;
      for (std::int64_t head = 0; head < piece.heads; ++head, ++rows)
        std::memcpy(scratch.scores_of(share.query * piece.heads + head) + share.slot + from - share.first,
                    scratch.products + rows * scratch.panel_keys + from - first,
                    static_cast<std::size_t>(count) * sizeof(float));
    }
  }
}

// A row's scores to the softmax's weights; slots without a key hold minus infinity before, 0 behind.
HWY_INLINE void exponentiate(const AttentionPiece& piece, std::int64_t row, const AttentionScratch& scratch) {
  float* scores = scratch.scores_of(row);
  const std::int64_t slots = piece.queries[static_cast<std::size_t>(row / piece.heads)].slots;
  const Part scale = set_part(piece.scale);
  Part largest = hn::Neg(hn::Inf(Lanes()));
  for (std::int64_t slot = 0; slot < slots; slot += kLanes) {
    const Part scaled = hn::Mul(load_part(scores + slot), scale);
    store_part(scaled, scores + slot);
    largest = hn::Max(largest, scaled);
  }
  largest = hn::MaxOfLanes(Lanes(), largest);
  for (std::int64_t slot = 0; slot < slots; slot += kLanes)
    store_part(exp_part(hn::Sub(load_part(scores + slot), largest)), scores + slot);
  // Note [Sink without value]: the attention sink joins the softmax's denominator only.
  const float sum = row_sum_along(
      slots, [scores](std::int64_t slot) HWY_ATTR { return load_part(scores + slot); },
      [scores](std::int64_t slot) { return scores[slot]; });
  const Part sink = exp_part(hn::Sub(set_part(piece.sink[row % piece.heads]), largest));
  const Part denominator = hn::Add(set_part(sum), sink);
  for (std::int64_t slot = 0; slot < slots; slot += kLanes)
    store_part(hn::Div(load_part(scores + slot), denominator), scores + slot);
}

// The keys that all shares have; none where there is no such key, behind the block.
HWY_INLINE Share common_keys(std::span<const Share> shares, const Block& block) {
  Share common = {.query = 0, .first = 0, .end = block.keys, .slot = 0};
  for (const Share& share : shares) {
    common.first = HWY_MAX(common.first, share.first);
    common.end = HWY_MIN(common.end, share.end);
  }
  if (common.first >= common.end) common.first = common.end = block.keys;
  return common;
}

// sums[row, column] += sum over the decoded keys that the row sees, in order, of weight[row, key] * key[column]: keys
// that not all see, those that all see, and again those that not all do.
HWY_INLINE void add_values(const AttentionPiece& piece, const Block& block, const AttentionScratch& scratch) {
  const std::span<const Share> shares = shares_in(piece, block, scratch);
  const Share common = common_keys(shares, block);
  const float** before = scratch.in_rows;
  const float** among = before + scratch.rows;
  const float** behind = among + scratch.rows;
  std::int64_t rows = 0;
  for (const Share& share : shares)
    for (std::int64_t head = 0; head < piece.heads; ++head, ++rows) {
      const float* weights = scratch.scores_of(share.query * piece.heads + head) + share.slot;
      before[rows] = weights;
      among[rows] = weights + common.first - share.first;
      behind[rows] = weights + HWY_MAX(common.end, share.first) - share.first;
      scratch.out_rows[rows] = scratch.sums + (share.query * piece.heads + head) * scratch.columns;
    }
  const auto add = [&](const float* const* weights, std::int64_t row, std::int64_t count, std::int64_t first,
                       std::int64_t end) HWY_ATTR {
    if (first < end)
      multiply_tile({.x = weights + row,
                     .panel = scratch.keys_from(block.first) + first * scratch.key_step,
                     .panel_step = scratch.key_step,
                     .depth = end - first,
                     .out = scratch.out_rows + row,
                     .rows = count,
                     .tiles = scratch.columns / 16});
  };
  for (std::int64_t index = 0; index < std::ssize(shares); ++index) {
    const Share& share = shares[static_cast<std::size_t>(index)];
    add(before, index * piece.heads, piece.heads, share.first, HWY_MIN(share.end, common.first));
  }
  add(among, 0, rows, common.first, common.end);
  for (std::int64_t index = 0; index < std::ssize(shares); ++index) {
    const Share& share = shares[static_cast<std::size_t>(index)];
    add(behind, index * piece.heads, piece.heads, HWY_MAX(share.first, common.end), share.end);
  }
}

HWY_INLINE void write_out(const AttentionPiece& piece, const AttentionScratch& scratch) {
  const std::int64_t head_dim = piece.format.head_dim;
  for (std::int64_t row = 0; row < scratch.rows; ++row)
    std::memcpy(piece.queries[static_cast<std::size_t>(row / piece.heads)].out + row % piece.heads * head_dim,
                scratch.sums + row * scratch.columns, static_cast<std::size_t>(head_dim) * sizeof(float));
}

#if HWY_TARGET <= HWY_AVX3

// The whole piece by codes; false where they are no decode_entry's, and nothing is done.
HWY_INLINE bool attend_by_codes(const AttentionPiece& piece, const AttentionScratch& scratch) {
  bool plain = true;
  for_each_block(piece, [&](const Block& block) HWY_ATTR {
    score_keys(piece, block, scratch, [&](std::int64_t first, std::int64_t count) HWY_ATTR {
      const std::byte* keys[kLanes];
      for (std::int64_t key = 0; key < up_to_tile(count); key += kLanes) {
        for (std::int64_t lane = 0; lane < kLanes; ++lane) {
          const std::int64_t index = block.first + first + HWY_MIN(key + lane, count - 1);
          keys[lane] = piece.keys[static_cast<std::size_t>(index)];
          prefetch_row(piece.keys, index + kLanes, scratch.row_bytes);
        }
        plain = turn_codes(piece.format, keys, scratch.panel_keys, scratch.panel + key) && plain;
      }
    });
  });
  if (!plain) return false;
  for (std::int64_t row = 0; row < scratch.rows; ++row) exponentiate(piece, row, scratch);
  std::memset(scratch.sums, 0, static_cast<std::size_t>(scratch.rows * scratch.columns) * sizeof(float));
  const AttentionQuery& query = piece.queries.front();
  for (const KeyRange* range : {&query.window, &query.entries}) {
    for (std::int64_t row = 0; row < scratch.rows; ++row) scratch.in_rows[row] = scratch.scores_of(row) + range->slot;
    if (range->count > 0)
      add_coded_keys(piece.format,
                     {.keys = piece.keys.data() + range->first, .count = range->count, .weights = scratch.in_rows},
                     scratch.rows, scratch.sums, scratch.columns);
  }
  write_out(piece, scratch);
  return true;
}

#endif

HWY_INLINE void forget_scores(const AttentionScratch& scratch) {
  const Part none = hn::Neg(hn::Inf(Lanes()));
  for (std::int64_t slot = 0; slot < scratch.rows * scratch.slots; slot += kLanes)
    store_part(none, scratch.scores + slot);
}

void AttentionPieceKernel(const AttentionPiece& piece, Arena& arena) {
  const Arena::Scope scope(arena);
  const AttentionScratch scratch(piece, arena);
  forget_scores(scratch);
#if HWY_TARGET <= HWY_AVX3
  if (std::ssize(piece.queries) == 1 && piece.heads <= kMostCodedRows && has_whole_groups(piece.format)) {
    if (attend_by_codes(piece, scratch)) return;
    forget_scores(scratch);
  }
#endif
  for_each_block(piece, [&](const Block& block) HWY_ATTR {
    decode_keys(piece, block, scratch);
    score_keys(piece, block, scratch, [&](std::int64_t first, std::int64_t count) HWY_ATTR {
      transpose_keys(scratch.keys_from(block.first) + first * scratch.key_step, count, scratch);
    });
  });
  for (std::int64_t row = 0; row < scratch.rows; ++row) exponentiate(piece, row, scratch);
  std::memset(scratch.sums, 0, static_cast<std::size_t>(scratch.rows * scratch.columns) * sizeof(float));
  for_each_block(piece, [&](const Block& block) HWY_ATTR {
    if (!scratch.kept) decode_keys(piece, block, scratch);  // cheaper again than kept in memory
    add_values(piece, block, scratch);
  });
  write_out(piece, scratch);
}

}  // namespace fathom::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom {

HWY_EXPORT(AttentionPieceKernel);

void attention_piece(const AttentionPiece& piece, Arena& scratch) {
  HWY_DYNAMIC_DISPATCH(AttentionPieceKernel)(piece, scratch);
}

}  // namespace fathom
#endif
