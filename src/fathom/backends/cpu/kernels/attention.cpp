#include "fathom/backends/cpu/kernels/attention.h"

#include "fathom/backends/cpu/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fathom/backends/cpu/kernels/attention.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "fathom/backends/cpu/kernels/entry_inl.h"
#include "fathom/backends/cpu/kernels/sum_inl.h"
#include "fathom/backends/cpu/kernels/tile_inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::HWY_NAMESPACE {

inline constexpr std::int64_t kBlockKeys = 64;  // decoded at a time: 128 KiB of floats at head_dim 512

constexpr std::int64_t up_to_tile(std::int64_t count) { return (count + 15) / 16 * 16; }

// Scratch of one piece; heads and columns are padded to whole tiles.
struct AttentionScratch {
  AttentionScratch(const AttentionPiece& piece, Arena& arena)
      : heads(up_to_tile(piece.heads)),
        columns(up_to_tile(piece.format.head_dim)),
        key_step(columns + 16),  // not a power of two: lines of one column in many keys must not share a cache set
        queries(arena.take<float, 1>({heads * piece.format.head_dim}).data()),
        keys(arena.take<float, 1>({kBlockKeys * key_step}).data()),
        scores(arena.take<float, 1>({std::ssize(piece.keys) * heads}).data()),
        sums(arena.take<float, 1>({heads * columns}).data()),
        in_rows(arena.take<const float*, 1>({heads + kBlockKeys}).data()),
        out_rows(arena.take<float*, 1>({heads + kBlockKeys}).data()) {}

  std::int64_t heads;
  std::int64_t columns;
  std::int64_t key_step;
  float* queries;  // [heads / 16, head_dim, 16]
  float* keys;     // [kBlockKeys, key_step]
  float* scores;   // [keys, heads]
  float* sums;     // [heads, columns]
  const float** in_rows;
  float** out_rows;
};

HWY_INLINE void transpose_queries(const AttentionPiece& piece, const AttentionScratch& scratch) {
  const std::int64_t head_dim = piece.format.head_dim;
  for (std::int64_t head = 0; head < scratch.heads; ++head) {
    float* to = scratch.queries + head / 16 * head_dim * 16 + head % 16;
    for (std::int64_t column = 0; column < head_dim; ++column)
      to[column * 16] = head < piece.heads ? piece.q[head * head_dim + column] : 0.0F;
  }
}

HWY_INLINE void decode_keys(const AttentionPiece& piece, std::int64_t first, std::int64_t count,
                            const AttentionScratch& scratch) {
  for (std::int64_t key = 0; key < count; ++key) {
    float* row = scratch.keys + key * scratch.key_step;
    decode_row(piece.format, piece.keys[static_cast<std::size_t>(first + key)], row);
    for (std::int64_t column = piece.format.head_dim; column < scratch.columns; ++column) row[column] = 0.0F;
  }
}

// scores[key, head] = q[head] . key for the decoded keys.
HWY_INLINE void score_keys(const AttentionPiece& piece, std::int64_t first, std::int64_t count,
                           const AttentionScratch& scratch) {
  std::memset(scratch.scores + first * scratch.heads, 0,
              static_cast<std::size_t>(count * scratch.heads) * sizeof(float));
  for (std::int64_t key = 0; key < count; ++key) scratch.in_rows[key] = scratch.keys + key * scratch.key_step;
  for (std::int64_t head = 0; head < scratch.heads; head += 16) {
    for (std::int64_t key = 0; key < count; ++key)
      scratch.out_rows[key] = scratch.scores + (first + key) * scratch.heads + head;
    multiply_tile({.x = scratch.in_rows,
                   .panel = scratch.queries + head * piece.format.head_dim,
                   .depth = piece.format.head_dim,
                   .out = scratch.out_rows,
                   .rows = count});
  }
}

// Scores to the softmax's weights.
HWY_INLINE void exponentiate(const AttentionPiece& piece, const AttentionScratch& scratch) {
  const auto keys = std::ssize(piece.keys);
  const Part scale = set_part(piece.scale);
  for (std::int64_t head = 0; head < piece.heads; head += kLanes) {
    const Part sink = load_first(piece.sink + head, piece.heads - head);
    Part largest = hn::Neg(hn::Inf(Lanes()));
    for (std::int64_t key = 0; key < keys; ++key) {
      float* score = scratch.scores + key * scratch.heads + head;
      const Part scaled = hn::Mul(load_part(score), scale);
      store_part(scaled, score);
      largest = hn::Max(largest, scaled);
    }
    for (std::int64_t key = 0; key < keys; ++key) {
      float* score = scratch.scores + key * scratch.heads + head;
      store_part(exp_part(hn::Sub(load_part(score), largest)), score);
    }
    // Note [Sink without value]: the attention sink joins the softmax's denominator only.
    const Part sum = row_sum_part(piece.slots.size(), [&](std::int64_t slot) HWY_ATTR {
      const std::int64_t key = piece.slots.key_in(slot);
      return key < 0 || key >= keys ? zero_part() : load_part(scratch.scores + key * scratch.heads + head);
    });
    const Part denominator = hn::Add(sum, exp_part(hn::Sub(sink, largest)));
    for (std::int64_t key = 0; key < keys; ++key) {
      float* score = scratch.scores + key * scratch.heads + head;
      store_part(hn::Div(load_part(score), denominator), score);
    }
  }
}

// sums[head, column] += sum over the decoded keys of weight[key, head] * key[column].
HWY_INLINE void add_values(const AttentionPiece& piece, std::int64_t first, std::int64_t count,
                           const AttentionScratch& scratch) {
  for (std::int64_t head = 0; head < piece.heads; ++head)
    scratch.in_rows[head] = scratch.scores + first * scratch.heads + head;
  for (std::int64_t column = 0; column < scratch.columns; column += 16) {
    for (std::int64_t head = 0; head < piece.heads; ++head)
      scratch.out_rows[head] = scratch.sums + head * scratch.columns + column;
    multiply_tile({.x = scratch.in_rows,
                   .x_step = scratch.heads,
                   .panel = scratch.keys + column,
                   .panel_step = scratch.key_step,
                   .depth = count,
                   .out = scratch.out_rows,
                   .rows = piece.heads});
  }
}

HWY_INLINE void write_out(const AttentionPiece& piece, const AttentionScratch& scratch) {
  const std::int64_t head_dim = piece.format.head_dim;
  for (std::int64_t head = 0; head < piece.heads; ++head) {
    std::memcpy(piece.out + head * head_dim, scratch.sums + head * scratch.columns,
                static_cast<std::size_t>(head_dim) * sizeof(float));
  }
}

void AttentionPieceKernel(const AttentionPiece& piece, Arena& arena) {
  const Arena::Scope scope(arena);
  const AttentionScratch scratch(piece, arena);
  const auto keys = std::ssize(piece.keys);
  transpose_queries(piece, scratch);
  for (std::int64_t first = 0; first < keys; first += kBlockKeys) {
    const std::int64_t count = HWY_MIN(kBlockKeys, keys - first);
    decode_keys(piece, first, count, scratch);
    score_keys(piece, first, count, scratch);
  }
  exponentiate(piece, scratch);
  std::memset(scratch.sums, 0, static_cast<std::size_t>(scratch.heads * scratch.columns) * sizeof(float));
  for (std::int64_t first = 0; first < keys; first += kBlockKeys) {
    const std::int64_t count = HWY_MIN(kBlockKeys, keys - first);
    if (keys > kBlockKeys) decode_keys(piece, first, count, scratch);  // cheaper again than kept: 1 part in 60
    add_values(piece, first, count, scratch);
  }
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
