#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fathom/backends/reference/reference_backend.h"
#include "fathom/ops/released_arithmetic.h"
#include "fathom/ops/softmax_slots.h"

namespace fathom {
namespace {

// The keys of one query in summation order: [keys, head_dim], decoded.
std::vector<float> gather_keys(const SparseAttentionArgs& args, std::size_t index, std::int64_t token) {
  const Run& run = args.runs[index];
  const std::int64_t position = run.start + token;
  const std::int64_t row = run.first_row + token;
  std::vector<float> keys;
  const auto add = [&](const std::byte* stored) {
    const auto old_size = keys.size();
    keys.resize(old_size + static_cast<std::size_t>(args.format.head_dim));
    decode_entry(args.format, {stored, static_cast<std::size_t>(args.format.row_bytes())},
                 std::span(keys).subspan(old_size));
  };
  for (std::int64_t key = std::max<std::int64_t>(0, position - args.window + 1); key <= position; ++key)
    add(key < run.start ? args.windows[index].row(key) : args.fresh[run.first_row + key - run.start].data());
  const std::int64_t visible = args.choice == EntryChoice::none ? 0 : visible_entries(position, args.ratio);
  if (args.choice == EntryChoice::all)
    for (std::int64_t entry = 0; entry < visible; ++entry) add(args.entries[index].row(entry));
  if (args.choice == EntryChoice::selected)
    for (const std::int32_t entry : args.selected[row].span()) {
      if (entry < 0) break;
      check(entry < visible, "a selected entry is visible to its query");
      add(args.entries[index].row(entry));
    }
  return keys;
}

}  // namespace

void ReferenceBackend::do_sparse_attention(const SparseAttentionArgs& args) {
  const auto [tokens, heads, head_dim] = args.q.shape();
  for (std::size_t index = 0; index < args.runs.size(); ++index) {
    for (std::int64_t token = 0; token < args.runs[index].tokens; ++token) {
      const std::vector<float> keys = gather_keys(args, index, token);
      const auto count = std::ssize(keys) / head_dim;
      const std::int64_t row = args.runs[index].first_row + token;
      const SoftmaxSlots slots = softmax_slots(args, args.runs[index].start + token);
      std::vector<float> scores(static_cast<std::size_t>(count));
      for (std::int64_t head = 0; head < heads; ++head) {
        float largest = -std::numeric_limits<float>::infinity();
        for (std::int64_t key = 0; key < count; ++key) {
          float product = 0.0F;
          for (std::int64_t column = 0; column < head_dim; ++column)
            product += args.q[row][head][column] * keys[key * head_dim + column];
          scores[key] = product * args.scale;
          largest = std::max(largest, scores[key]);
        }
        // Note [Sink without value]: the attention sink joins the softmax's denominator only.
        for (float& score : scores) score = released_exp(score - largest);
        const float sum_of_weights = row_sum(slots.size(), [&](std::int64_t slot) {
          const std::int64_t key = slots.key_in(slot);
          return key < 0 || key >= count ? 0.0F : scores[static_cast<std::size_t>(key)];
        });
        const float denominator = sum_of_weights + released_exp(args.sink[head] - largest);
        for (float& score : scores) score /= denominator;
        for (std::int64_t column = 0; column < head_dim; ++column) {
          float sum = 0.0F;
          for (std::int64_t key = 0; key < count; ++key) sum += scores[key] * keys[key * head_dim + column];
          args.out[row][head][column] = sum;
        }
      }
    }
  }
}

}  // namespace fathom
