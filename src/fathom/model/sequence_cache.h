// What the model remembers of one sequence. The engine owns it and says how long it is; the model reads and extends it.
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/model/cache_layout.h"
#include "fathom/ops/backend.h"
#include "fathom/ops/runs.h"
#include "fathom/tensor/memory.h"

namespace fathom {

class SequenceCache {
 public:
  SequenceCache(const CacheLayout& layout, Allocator& allocator);

  std::int64_t tokens() const { return tokens_; }          // positions the trunk has taken
  std::int64_t mtp_tokens() const { return mtp_tokens_; }  // positions the MTP block has taken
  // Makes room for positions below `tokens`.
  void reserve(std::int64_t tokens);
  // Sets the lengths. Going back is exact within the layout's rollback_tokens, and to 0.
  void set_tokens(std::int64_t tokens) { tokens_ = tokens; }
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

 private:
  const BlockCacheLayout& place(std::int64_t block) const;
  Ring tail_ring(std::int64_t block, std::int64_t offset, std::int64_t columns) const;

  const CacheLayout* layout_;
  Allocator* allocator_;
  Memory state_;
  std::vector<Memory> pages_;
  std::vector<std::byte*> page_starts_;
  std::int64_t tokens_ = 0;
  std::int64_t mtp_tokens_ = 0;
};

}  // namespace fathom
