#include "fathom/bench/random_cache.h"

#include <algorithm>

#include "fathom/checkpoint/random_values.h"

namespace fathom::bench {
namespace {

constexpr std::int64_t kRows = 4096;  // of an image: stretches of it are copied, from random rows on

template <typename Encode>
std::vector<std::byte> image_of(std::int64_t dim, std::int64_t row_bytes, RandomValues random, const Encode& encode) {
  std::vector<std::byte> image(static_cast<std::size_t>(kRows * row_bytes));
  std::vector<float> values(static_cast<std::size_t>(dim));
  for (std::int64_t row = 0; row < kRows; ++row) {
    for (float& value : values) value = random.normal();
    encode(values,
           std::span(image).subspan(static_cast<std::size_t>(row * row_bytes), static_cast<std::size_t>(row_bytes)));
  }
  return image;
}

// Copies `count` consecutive rows from random places of the image.
void fill_rows(Backend& backend, std::span<const std::byte> image, std::int64_t row_bytes, std::int64_t count,
               std::byte* to, RandomValues& random) {
  const std::int64_t rows = std::ssize(image) / row_bytes;
  while (count > 0) {
    const std::int64_t stretch = std::min(count, rows / 2);
    const std::int64_t first = random.below(rows - stretch + 1);
    backend.upload(
        image.subspan(static_cast<std::size_t>(first * row_bytes), static_cast<std::size_t>(stretch * row_bytes)), to);
    to += stretch * row_bytes;
    count -= stretch;
  }
}

void fill_ring(Backend& backend, std::span<const std::byte> image, const Ring& ring, RandomValues& random) {
  fill_rows(backend, image, ring.row_bytes, ring.capacity, ring.rows, random);
}

void fill_pages(Backend& backend, std::span<const std::byte> image, const PagedRows& rows, std::int64_t count,
                RandomValues& random) {
  for (std::int64_t row = 0; row < count; row += rows.rows_per_page)
    fill_rows(backend, image, rows.row_bytes, std::min(rows.rows_per_page, count - row), rows.row(row), random);
}

}  // namespace

RandomCache::RandomCache(const ModelConfig& config, const CacheLayout& layout, Backend& backend, std::uint64_t seed)
    : layout_(layout), backend_(backend), layers_(config.layers), seed_(seed) {
  entries_ = image_of(
      config.head_dim, layout.entry.row_bytes(), {seed, "entries"},
      [&](std::span<const float> values, std::span<std::byte> row) { encode_entry(layout.entry, values, row); });
  if (config.index_dim > 0)
    index_keys_ = image_of(config.index_dim, layout.index_key.row_bytes(), {seed, "index keys"},
                           [&](std::span<const float> values, std::span<std::byte> row) {
                             encode_index_key(layout.index_key, values, row);
                           });
  std::int64_t columns = 1;
  for (const BlockCacheLayout& block : layout.blocks)
    columns = std::max({columns, block.tail.columns, block.index_tail.columns});
  constexpr std::int64_t kTailRows = 64;
  std::vector<float> floats(static_cast<std::size_t>(columns * kTailRows));
  RandomValues random(seed, "tails");
  for (float& value : floats) value = random.normal();
  const auto bytes = std::as_bytes(std::span(floats));
  floats_.assign(bytes.begin(), bytes.end());
}

void RandomCache::rewind(SequenceCache& cache, std::int64_t tokens, std::int64_t sequence) const {
  RandomValues random(seed_, fmt::format("state {}", sequence));
  for (std::int64_t layer = 0; layer < layers_; ++layer) {
    const BlockCacheLayout& place = layout_.blocks[static_cast<std::size_t>(layer)];
    fill_ring(backend_, entries_, cache.window(layer), random);
    if (place.kind == AttentionKind::sliding) continue;
    fill_ring(backend_, floats_, cache.kv_tail(layer), random);
    fill_ring(backend_, floats_, cache.gate_tail(layer), random);
    if (place.kind != AttentionKind::csa) continue;
    fill_ring(backend_, floats_, cache.index_kv_tail(layer), random);
    fill_ring(backend_, floats_, cache.index_gate_tail(layer), random);
  }
  cache.set_tokens(tokens);
}

void RandomCache::fill(SequenceCache& cache, std::int64_t tokens, std::int64_t sequence) const {
  cache.reserve(tokens);
  RandomValues random(seed_, fmt::format("pages {}", sequence));
  for (std::int64_t layer = 0; layer < layers_; ++layer) {
    const BlockCacheLayout& place = layout_.blocks[static_cast<std::size_t>(layer)];
    if (place.kind == AttentionKind::sliding) continue;
    fill_pages(backend_, entries_, cache.entries(layer), tokens / place.ratio, random);
    if (place.kind == AttentionKind::csa)
      fill_pages(backend_, index_keys_, cache.index_keys(layer), tokens / place.ratio, random);
  }
  rewind(cache, tokens, sequence);
}

}  // namespace fathom::bench
