// An allocator whose hand-outs can be counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fathom/tensor/memory.h"

namespace fathom {

// Counts what it hands out.
class CountingAllocator final : public Allocator {
 public:
  std::byte* allocate(std::int64_t bytes) override {
    ++allocations;
    held += bytes;
    return host_allocator().allocate(bytes);
  }
  void release(std::byte* data, std::int64_t bytes) noexcept override {
    held -= bytes;
    host_allocator().release(data, bytes);
  }
  int allocations = 0;
  std::int64_t held = 0;
};

}  // namespace fathom
