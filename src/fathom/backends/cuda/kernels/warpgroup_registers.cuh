// Registers pass between the warpgroups of a block: those that copy need few, those that compute many. Each count is a
// multiple of eight, all threads of a warpgroup ask alike.
#pragma once

#include "fathom/backends/cuda/kernels/matrix_step.cuh"

namespace fathom::cuda {

template <int kRegisters>
__device__ inline void give_registers() {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}
template <int kRegisters>
__device__ inline void take_registers() {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
#endif
}

// One lane of a warp whose lanes are all here.
__device__ inline bool elected() {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  std::uint32_t is = 0;
  asm volatile("{\n.reg .pred p;\nelect.sync _|p, 0xffffffff;\nselp.u32 %0, 1, 0, p;\n}" : "=r"(is));
  return is != 0;
#else
  return threadIdx.x % 32 == 0;
#endif
}

}  // namespace fathom::cuda
