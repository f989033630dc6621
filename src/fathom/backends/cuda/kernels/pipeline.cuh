// Blocks of memory brought into shared memory ahead of their use: a warp copies, barriers count what has arrived and
// what has been used up. From sm_90 on one lane asks the copy engine for each piece; before, the lanes copy 16 bytes
// each.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/shared_address.cuh"

namespace fathom::cuda {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
inline constexpr bool kHasCopyEngine = true;
#else
inline constexpr bool kHasCopyEngine = false;
#endif

__device__ inline void barrier_init(std::uint32_t barrier, std::uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

__device__ inline void barrier_arrive(std::uint32_t barrier) {
  asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared::cta.b64 state, [%0];\n}" ::"r"(barrier) : "memory");
}

__device__ inline bool barrier_passed(std::uint32_t barrier, std::uint32_t parity) {
  std::uint32_t passed = 0;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
               : "=r"(passed)
               : "r"(barrier), "r"(parity)
               : "memory");
#else
  asm volatile("{\n.reg .pred p;\nmbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
               : "=r"(passed)
               : "r"(barrier), "r"(parity)
               : "memory");
#endif
  return passed != 0;
}

// The same without being held there for a while.
__device__ inline bool barrier_is_past(std::uint32_t barrier, std::uint32_t parity) {
  std::uint32_t passed = 0;
  asm volatile("{\n.reg .pred p;\nmbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
               : "=r"(passed)
               : "r"(barrier), "r"(parity)
               : "memory");
  return passed != 0;
}

__device__ inline void barrier_wait(std::uint32_t barrier, std::uint32_t parity) {
  while (!barrier_passed(barrier, parity)) {
  }
}

// Until what other blocks of the cluster have sent is there (cluster.cuh).
__device__ inline void barrier_wait_of_cluster(std::uint32_t barrier, std::uint32_t parity) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  std::uint32_t passed = 0;
  while (passed == 0) {
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(passed)
        : "r"(barrier), "r"(parity)
        : "memory");
  }
#endif
}

// How many arrivals fill a stage: the lane that asks the copy engine, or every lane of the copying warp.
__device__ constexpr std::uint32_t copy_arrivals() { return kHasCopyEngine ? 1 : 32; }

// Before the copies of a stage. All lanes call it.
__device__ inline void expect_bytes(std::uint32_t barrier, std::uint32_t bytes, int lane) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  if (lane == 0)
    asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1;\n}" ::"r"(barrier),
                 "r"(bytes)
                 : "memory");
#endif
}

// `bytes` is a multiple of 16, both places are aligned to 16. All lanes call it.
__device__ inline void copy_bytes(std::uint32_t to, const std::uint8_t* from, std::uint32_t bytes,
                                  std::uint32_t barrier, int lane) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  if (lane == 0)
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to),
                 "l"(from), "r"(bytes), "r"(barrier)
                 : "memory");
#else
  for (std::uint32_t byte = lane * 16; byte < bytes; byte += 32 * 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to + byte), "l"(from + byte) : "memory");
#endif
}

// Into the second-level cache; as copy_bytes.
__device__ inline void send_for_bytes(const std::uint8_t* from, std::uint32_t bytes, int lane) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  if (lane == 0) asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(from), "r"(bytes) : "memory");
#endif
}

// What a thread has stored in shared memory, before the tensor core reads it; then the readers meet.
__device__ inline void fence_stores() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// After the copies of a stage. All lanes call it.
__device__ inline void copies_issued(std::uint32_t barrier) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ < 900
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(barrier) : "memory");
#endif
}

// Barriers must be seen by the copy engine before it signals them.
__device__ inline void fence_barriers() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

// A ring of stages: where a thread stands in it, and the parity of the round.
struct Stage {
  int index = 0;
  std::uint32_t parity = 0;

  __device__ void advance(int stages) {
    if (++index == stages) {
      index = 0;
      parity ^= 1;
    }
  }
};

}  // namespace fathom::cuda
