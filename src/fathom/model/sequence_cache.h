// What the model remembers of one sequence. The engine owns it and says how long it is; the model reads and extends it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "fathom/model/cache_layout.h"
#include "fathom/ops/backend.h"
#include "fathom/ops/runs.h"
#include "fathom/tensor/memory.h"

namespace fathom {

// A page that is full never changes again, so that any number of sequences may read it.
using SharedPage = std::shared_ptr<const Memory>;

// All that a sequence needs besides its full pages to go on from one length (docs/prefix_cache.md).
struct CacheSnapshot {
  std::int64_t tokens = 0;
  std::int64_t mtp_tokens = 0;
  Memory state;
  std::shared_ptr<Memory> partial_page;  // none where the length ends a page

  std::int64_t bytes() const { return state.bytes() + (partial_page ? partial_page->bytes() : 0); }
};

class SequenceCache {
 public:
  SequenceCache(const CacheLayout& layout, Allocator& allocator);

  std::int64_t tokens() const { return tokens_; }          // positions the trunk has taken
  std::int64_t mtp_tokens() const { return mtp_tokens_; }  // positions the MTP block has taken
  // Makes room for positions below `tokens`.
  void reserve(std::int64_t tokens);
  // Sets the lengths. Going back is exact within the layout's rollback_tokens of furthest(), and to 0.
  void set_tokens(std::int64_t tokens) {
    tokens_ = tokens;
    furthest_ = tokens == 0 ? 0 : std::max(furthest_, tokens);
  }
  // Behind the last position that was ever written, wrong drafts among them: it took an older one's place in a ring.
  std::int64_t furthest() const { return furthest_; }
  void set_mtp_tokens(std::int64_t tokens) { mtp_tokens_ = tokens; }

  Ring window(std::int64_t block) const;
  Ring kv_tail(std::int64_t block) const;
  Ring gate_tail(std::int64_t block) const;
  Ring index_kv_tail(std::int64_t block) const;
  Ring index_gate_tail(std::int64_t block) const;
  PagedRows entries(std::int64_t block) const;
  PagedRows index_keys(std::int64_t block) const;

  std::int64_t bytes() const;
  // The same contents in memory of their own.
  SequenceCache copied(Backend& backend) const;

  // A snapshot of its first `tokens`, no more than rollback_tokens before furthest(); a copy.
  CacheSnapshot snapshot(std::int64_t tokens, Backend& backend) const;
  // The snapshot of all its tokens, its own memory: the cache is of no more use.
  CacheSnapshot retire();
  // An empty cache goes on where the snapshot was taken, behind these full pages, which it shares.
  void resume(const CacheSnapshot& snapshot, const std::vector<SharedPage>& pages, Backend& backend);
  // A full page of its own or of others; where there is no compression, none.
  SharedPage page(std::int64_t index) const;
  // Takes another's full page with the same contents in place of its own.
  void share_page(std::int64_t index, const SharedPage& page);

 private:
  const BlockCacheLayout& place(std::int64_t block) const;
  Ring tail_ring(std::int64_t block, std::int64_t offset, std::int64_t columns) const;

  const CacheLayout* layout_;
  Allocator* allocator_;
  Memory state_;
  std::vector<SharedPage> pages_;
  std::vector<std::byte*> page_starts_;  // only pages that are not full are written
  std::int64_t tokens_ = 0;
  std::int64_t mtp_tokens_ = 0;
  std::int64_t furthest_ = 0;
};

}  // namespace fathom
