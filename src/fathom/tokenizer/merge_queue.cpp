#include "fathom/tokenizer/merge_queue.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace fathom {

void MergeQueue::push(std::uint64_t key) {
  ++size_;
  if (key >= least_) {
    buckets_[static_cast<std::size_t>(std::bit_width(key ^ least_))].push_back(key);
    return;
  }
  early_.push_back(key);
  std::push_heap(early_.begin(), early_.end(), std::greater<>());
}

std::uint64_t MergeQueue::pop() {
  --size_;
  if (!early_.empty()) {
    std::pop_heap(early_.begin(), early_.end(), std::greater<>());
    const std::uint64_t key = early_.back();
    early_.pop_back();
    return key;
  }
  if (buckets_[0].empty()) {
    const auto first =
        std::find_if(buckets_.begin(), buckets_.end(), [](const auto& bucket) { return !bucket.empty(); });
    least_ = *std::min_element(first->begin(), first->end());
    // All of them share the bit in which they differed, so each falls into a lower bucket.
    for (const std::uint64_t key : *first)
      buckets_[static_cast<std::size_t>(std::bit_width(key ^ least_))].push_back(key);
    first->clear();
  }
  const std::uint64_t key = buckets_[0].back();
  buckets_[0].pop_back();
  return key;
}

}  // namespace fathom
