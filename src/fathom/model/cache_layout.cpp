#include "fathom/model/cache_layout.h"

#include <numeric>

namespace fathom {
namespace {

constexpr std::int64_t kAlignment = 64;    // every layer's rows start on a cache line
constexpr std::int64_t kPageTokens = 128;  // at least this many positions share a page
constexpr std::int64_t kFloatBytes = 4;

std::int64_t take(std::int64_t& used, std::int64_t bytes) {
  const std::int64_t offset = used;
  used += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return offset;
}

CompressorTail take_tail(std::int64_t& used, std::int64_t rows, std::int64_t columns) {
  CompressorTail tail{.columns = columns};
  tail.kv_offset = take(used, rows * columns * kFloatBytes);
  tail.gate_offset = take(used, rows * columns * kFloatBytes);
  return tail;
}

}  // namespace

CacheLayout make_cache_layout(const ModelConfig& config, CacheStorage storage, std::int64_t rollback_tokens) {
  CacheLayout layout;
  layout.entry = {storage, config.head_dim, config.rope_dim};
  layout.index_key = {storage, config.index_dim};
  layout.window_rows = config.window + rollback_tokens;
  layout.page_tokens = kPageTokens;
  for (std::int64_t block = 0; block < config.blocks(); ++block)
    if (config.ratio(block) > 0) layout.page_tokens = std::lcm(layout.page_tokens, config.ratio(block));

  for (std::int64_t block = 0; block < config.blocks(); ++block) {
    BlockCacheLayout place;
    place.kind = config.attention_kind(block);
    place.ratio = config.ratio(block);
    place.window_offset = take(layout.state_bytes, layout.window_rows * layout.entry.row_bytes());
    if (place.kind != AttentionKind::sliding) {
      const bool overlap = place.kind == AttentionKind::csa;
      place.tail_rows = (overlap ? 2 : 1) * place.ratio + rollback_tokens;
      place.tail = take_tail(layout.state_bytes, place.tail_rows, (overlap ? 2 : 1) * config.head_dim);
      place.entries_per_page = layout.page_tokens / place.ratio;
      place.entries_offset = take(layout.page_bytes, place.entries_per_page * layout.entry.row_bytes());
      if (overlap) {
        place.index_tail = take_tail(layout.state_bytes, place.tail_rows, 2 * config.index_dim);
        place.index_keys_offset = take(layout.page_bytes, place.entries_per_page * layout.index_key.row_bytes());
      }
    }
    layout.blocks.push_back(place);
  }
  return layout;
}

}  // namespace fathom
