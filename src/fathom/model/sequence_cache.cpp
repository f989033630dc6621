#include "fathom/model/sequence_cache.h"

namespace fathom {

SequenceCache::SequenceCache(const CacheLayout& layout, Allocator& allocator)
    : layout_(&layout), allocator_(&allocator), state_(allocator, layout.state_bytes) {}

void SequenceCache::reserve(std::int64_t tokens) {
  if (layout_->page_bytes == 0) return;
  const std::int64_t pages = (tokens + layout_->page_tokens - 1) / layout_->page_tokens;
  while (std::ssize(pages_) < pages) {
    pages_.emplace_back(*allocator_, layout_->page_bytes);
    page_starts_.push_back(pages_.back().data());
  }
}

const BlockCacheLayout& SequenceCache::place(std::int64_t block) const {
  return layout_->blocks[static_cast<std::size_t>(block)];
}

Ring SequenceCache::window(std::int64_t block) const {
  return {state_.data() + place(block).window_offset, layout_->window_rows, layout_->entry.row_bytes()};
}

Ring SequenceCache::tail_ring(std::int64_t block, std::int64_t offset, std::int64_t columns) const {
  return {state_.data() + offset, place(block).tail_rows, columns * static_cast<std::int64_t>(sizeof(float))};
}

Ring SequenceCache::kv_tail(std::int64_t block) const {
  return tail_ring(block, place(block).tail.kv_offset, place(block).tail.columns);
}

Ring SequenceCache::gate_tail(std::int64_t block) const {
  return tail_ring(block, place(block).tail.gate_offset, place(block).tail.columns);
}

Ring SequenceCache::index_kv_tail(std::int64_t block) const {
  return tail_ring(block, place(block).index_tail.kv_offset, place(block).index_tail.columns);
}

Ring SequenceCache::index_gate_tail(std::int64_t block) const {
  return tail_ring(block, place(block).index_tail.gate_offset, place(block).index_tail.columns);
}

PagedRows SequenceCache::entries(std::int64_t block) const {
  return {page_starts_.data(), place(block).entries_per_page, place(block).entries_offset, layout_->entry.row_bytes()};
}

PagedRows SequenceCache::index_keys(std::int64_t block) const {
  return {page_starts_.data(), place(block).entries_per_page, place(block).index_keys_offset,
          layout_->index_key.row_bytes()};
}

SequenceCache SequenceCache::copied(Backend& backend) const {
  SequenceCache copy(*layout_, *allocator_);
  const auto take = [&](const Memory& from, const Memory& to) {
    backend.copy({from.data(), static_cast<std::size_t>(from.bytes())}, to.data());
  };
  copy.reserve(std::ssize(pages_) * layout_->page_tokens);
  take(state_, copy.state_);
  for (std::size_t page = 0; page < pages_.size(); ++page) take(pages_[page], copy.pages_[page]);
  copy.tokens_ = tokens_;
  copy.mtp_tokens_ = mtp_tokens_;
  return copy;
}

std::int64_t SequenceCache::bytes() const { return state_.bytes() + std::ssize(pages_) * layout_->page_bytes; }

}  // namespace fathom
