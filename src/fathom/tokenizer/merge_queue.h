// The merges that wait in a long piece, least key first: a radix heap. Merges of a well-ordered vocabulary only ever
// add keys above the one just taken, which it serves in sequential passes; others go through a small binary heap.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace fathom {

class MergeQueue {
 public:
  void push(std::uint64_t key);
  // The least key, taken out. The queue must not be empty.
  std::uint64_t pop();
  bool empty() const { return size_ == 0; }
  // Gives its memory back.
  void clear() { *this = MergeQueue(); }

 private:
  // Bucket b holds the keys whose highest bit in which they differ from least_ is bit b - 1; bucket 0 those equal to
  // it.
  std::array<std::vector<std::uint64_t>, 65> buckets_;
  std::vector<std::uint64_t> early_;  // keys below least_, as a binary heap
  std::uint64_t least_ = 0;           // at most every key in buckets_
  std::size_t size_ = 0;
};

}  // namespace fathom
