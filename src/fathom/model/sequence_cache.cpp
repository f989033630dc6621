#include "fathom/model/sequence_cache.h"

#include <algorithm>

namespace fathom {

SequenceCache::SequenceCache(const CacheLayout& layout, Allocator& allocator)
    : layout_(&layout), allocator_(&allocator), state_(allocator, layout.state_bytes) {}

void SequenceCache::reserve(std::int64_t tokens) {
  if (layout_->page_bytes == 0) return;
  const std::int64_t pages = (tokens + layout_->page_tokens - 1) / layout_->page_tokens;
  while (std::ssize(pages_) < pages) {
    auto page = std::make_shared<const Memory>(*allocator_, layout_->page_bytes);
    page_starts_.reserve(pages_.size() + 1);
    pages_.push_back(std::move(page));
    page_starts_.push_back(pages_.back()->data());
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
  for (std::size_t page = 0; page < pages_.size(); ++page) take(*pages_[page], *copy.pages_[page]);
  copy.tokens_ = tokens_;
  copy.mtp_tokens_ = mtp_tokens_;
  copy.furthest_ = furthest_;
  return copy;
}

SharedPage SequenceCache::page(std::int64_t index) const {
  return layout_->page_bytes == 0 ? nullptr : pages_[static_cast<std::size_t>(index)];
}

void SequenceCache::share_page(std::int64_t index, const SharedPage& page) {
  if (layout_->page_bytes == 0) return;
  pages_[static_cast<std::size_t>(index)] = page;
  page_starts_[static_cast<std::size_t>(index)] = page->data();
}

CacheSnapshot SequenceCache::snapshot(std::int64_t tokens, Backend& backend) const {
  check(tokens <= tokens_, "a snapshot is of tokens that were read");
  CacheSnapshot result{.tokens = tokens,
                       .mtp_tokens = std::min(mtp_tokens_, tokens),
                       .state = Memory(*allocator_, state_.bytes()),
                       .partial_page = nullptr};
  backend.copy({state_.data(), static_cast<std::size_t>(state_.bytes())}, result.state.data());
  if (layout_->page_bytes > 0 && tokens % layout_->page_tokens > 0) {
    const SharedPage& from = pages_[static_cast<std::size_t>(tokens / layout_->page_tokens)];
    result.partial_page = std::make_shared<Memory>(*allocator_, layout_->page_bytes);
    backend.copy({from->data(), static_cast<std::size_t>(from->bytes())}, result.partial_page->data());
  }
  return result;
}

CacheSnapshot SequenceCache::retire() {
  CacheSnapshot result{.tokens = tokens_,
                       .mtp_tokens = std::min(mtp_tokens_, tokens_),
                       .state = std::move(state_),
                       .partial_page = nullptr};
  if (layout_->page_bytes > 0 && tokens_ % layout_->page_tokens > 0)
    result.partial_page =
        std::const_pointer_cast<Memory>(pages_[static_cast<std::size_t>(tokens_ / layout_->page_tokens)]);
  return result;
}

void SequenceCache::resume(const CacheSnapshot& snapshot, const std::vector<SharedPage>& pages, Backend& backend) {
  check(tokens_ == 0 && pages_.empty(), "only an empty cache resumes");
  check_equal(snapshot.state.bytes(), state_.bytes(), "bytes of a snapshot's state");
  if (layout_->page_bytes > 0) {
    check_equal(std::ssize(pages), snapshot.tokens / layout_->page_tokens, "full pages before a snapshot");
    reserve(snapshot.tokens - std::ssize(pages) * layout_->page_tokens);
    for (const SharedPage& page : pages) page_starts_.push_back(page->data());
    std::rotate(page_starts_.begin(), page_starts_.end() - std::ssize(pages), page_starts_.end());
    pages_.insert(pages_.begin(), pages.begin(), pages.end());
    if (snapshot.partial_page)
      backend.copy({snapshot.partial_page->data(), static_cast<std::size_t>(snapshot.partial_page->bytes())},
                   pages_.back()->data());
  }
  backend.copy({snapshot.state.data(), static_cast<std::size_t>(snapshot.state.bytes())}, state_.data());
  tokens_ = furthest_ = snapshot.tokens;
  mtp_tokens_ = snapshot.mtp_tokens;
}

std::int64_t SequenceCache::bytes() const { return state_.bytes() + std::ssize(pages_) * layout_->page_bytes; }

}  // namespace fathom
