// Scratch memory of one step: taken in order, given back all at once. After the first step of a size it allocates
// nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/tensor/memory.h"

namespace fathom {

class Arena {
 public:
  explicit Arena(Allocator& allocator) : allocator_(&allocator) {}

  // Contents are whatever an earlier step left.
  template <typename T, std::size_t Rank>
  View<T, Rank> take(const std::array<std::int64_t, Rank>& shape) {
    std::int64_t bytes = sizeof(T);
    for (const std::int64_t extent : shape) bytes *= extent;
    return View<T, Rank>(reinterpret_cast<T*>(take_bytes(bytes)), shape);
  }

  // Everything taken after `mark` is given back when the scope ends.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(&arena), chunk_(arena.chunk_), used_(arena.used_) {}
    ~Scope() {
      arena_->chunk_ = chunk_;
      arena_->used_ = used_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena* arena_;
    std::size_t chunk_;
    std::int64_t used_;
  };

  // Everything is given back at once.
  void clear() {
    chunk_ = 0;
    used_ = 0;
  }

  std::int64_t bytes() const;  // held, used or not

 private:
  std::byte* take_bytes(std::int64_t bytes);

  Allocator* allocator_;
  std::vector<Memory> chunks_;
  std::size_t chunk_ = 0;  // the chunk being filled
  std::int64_t used_ = 0;  // bytes of it
};

}  // namespace fathom
