#include "fathom/backends/cpu/weight_memory.h"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <new>

namespace fathom {
namespace {

constexpr std::int64_t kSmall = std::int64_t{1} << 16;  // not worth pages of their own

// A wish: a system without nodes, or one that forbids this, leaves pages where they are touched.
void spread_over(const std::vector<int>& nodes, void* data, std::size_t bytes) {
  constexpr std::size_t kBits = sizeof(unsigned long) * CHAR_BIT;
  std::vector<unsigned long> mask;
  for (const int node : nodes) {
    const auto bit = static_cast<std::size_t>(node);
    if (mask.size() <= bit / kBits) mask.resize(bit / kBits + 1);
    mask[bit / kBits] |= 1UL << bit % kBits;
  }
  // The kernel reads one bit fewer than it is told of.
  ::syscall(SYS_mbind, data, bytes, MPOL_INTERLEAVE, mask.data(), mask.size() * kBits + 1, 0);
}

}  // namespace

std::byte* WeightMemory::allocate(std::int64_t bytes) {
  if (bytes < kSmall) return host_allocator().allocate(bytes);
  const auto size = static_cast<std::size_t>(bytes);
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  if (spread_.size() > 1) spread_over(spread_, data, size);
  return static_cast<std::byte*>(data);
}

void WeightMemory::release(std::byte* data, std::int64_t bytes) noexcept {
  if (bytes < kSmall) return host_allocator().release(data, bytes);
  ::munmap(data, static_cast<std::size_t>(bytes));
}

}  // namespace fathom
