// Memory with one owner, from an allocator that knows its device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "fathom/tensor/view.h"

namespace fathom {

// Hands out zeroed memory aligned to 64 bytes. It outlives everything it handed out.
class Allocator {
 public:
  virtual ~Allocator() = default;
  virtual std::byte* allocate(std::int64_t bytes) = 0;
  virtual void release(std::byte* data, std::int64_t bytes) noexcept = 0;
};

// Plain memory of this machine.
Allocator& host_allocator();

class Memory {
 public:
  Memory() = default;
  Memory(Allocator& allocator, std::int64_t bytes)
      : allocator_(&allocator), data_(allocator.allocate(bytes)), bytes_(bytes) {}
  ~Memory() {
    if (data_ != nullptr) allocator_->release(data_, bytes_);
  }
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  std::byte* data() const { return data_; }
  std::int64_t bytes() const { return bytes_; }
  template <typename T, std::size_t Rank>
  View<T, Rank> view(const std::array<std::int64_t, Rank>& shape) const {
    View<T, Rank> result(reinterpret_cast<T*>(data_), shape);
    check(result.size() * static_cast<std::int64_t>(sizeof(T)) <= bytes_, "view larger than its memory");
    return result;
  }

 private:
  void swap(Memory& other) noexcept {
    std::swap(allocator_, other.allocator_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  Allocator* allocator_ = nullptr;
  std::byte* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

}  // namespace fathom
