// Scratch memory of one step: taken in order, given back all at once. After the second step of a size it allocates
// nothing, and holds little more than the largest step took.
#pragma once

#include <cstdint>
#include <vector>

#include "fathom/tensor/memory.h"

namespace fathom {

class Arena {
  struct Place {
    std::size_t chunk = 0;   // the chunk being filled
    std::int64_t used = 0;   // bytes of it
    std::int64_t taken = 0;  // of all chunks
  };

 public:
  explicit Arena(Allocator& allocator) : allocator_(&allocator) {}

  // Contents are whatever an earlier step left.
  template <typename T, std::size_t Rank>
  View<T, Rank> take(const std::array<std::int64_t, Rank>& shape) {
    std::int64_t bytes = sizeof(T);
    for (const std::int64_t extent : shape) bytes *= extent;
    return View<T, Rank>(reinterpret_cast<T*>(take_bytes(bytes)), shape);
  }

  // Everything taken after it began is given back when the scope ends.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(&arena), place_(arena.place_) {}
    ~Scope() { arena_->place_ = place_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena* arena_;
    Place place_;
  };

  // Everything is given back at once.
  void clear() { place_ = {}; }

  std::int64_t bytes() const;  // held, used or not

 private:
  std::byte* take_bytes(std::int64_t bytes);

  Allocator* allocator_;
  std::vector<Memory> chunks_;
  Place place_;
  std::int64_t most_ = 0;  // that were ever taken
};

}  // namespace fathom
