#include "fathom/tensor/memory.h"

#include <cstring>
#include <new>

namespace fathom {
namespace {

constexpr std::align_val_t kAlignment{64};  // a cache line, and the widest vector register

class HostAllocator final : public Allocator {
 public:
  std::byte* allocate(std::int64_t bytes) override {
    auto* data = static_cast<std::byte*>(::operator new(static_cast<std::size_t>(bytes), kAlignment));
    std::memset(data, 0, static_cast<std::size_t>(bytes));
    return data;
  }
  void release(std::byte* data, std::int64_t /*bytes*/) noexcept override { ::operator delete(data, kAlignment); }
};

}  // namespace

Allocator& host_allocator() {
  static HostAllocator allocator;  // stateless
  return allocator;
}

}  // namespace fathom
