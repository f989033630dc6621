// Copies to shared memory that run while other things are done.
#pragma once

#include <cstdint>

namespace fathom::cuda {

// Sixteen bytes, both places on their boundary.
__device__ inline void copy_sixteen_later(const void* from, void* to) {
  const auto place = static_cast<std::uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(place), "l"(from) : "memory");
}

// Until this thread's copies are there; others' are behind a barrier.
__device__ inline void wait_for_later_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

}  // namespace fathom::cuda
