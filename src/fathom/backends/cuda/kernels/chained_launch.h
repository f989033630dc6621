// Launches of kernels that follow one another: from sm_90 on each may begin while the one before it ends, up to the
// place where it waits for what that one wrote (wait_for_earlier_kernels).
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <string_view>

#include "fathom/backends/cuda/kernels/cuda_check.h"

namespace fathom::cuda {

struct ChainedLaunch {
  dim3 grid;
  unsigned threads = 0;
  int shared_bytes = 0;
  int cluster = 1;
  int capability = 0;
  cudaStream_t stream = nullptr;
};

template <typename... Parameters, typename... Arguments>
void launch_chained(const ChainedLaunch& to, std::string_view name, void (*kernel)(Parameters...),
                    const Arguments&... arguments) {
  cudaLaunchAttribute attributes[2] = {};
  cudaLaunchConfig_t config = {};
  config.gridDim = to.grid;
  config.blockDim = dim3(to.threads);
  config.dynamicSmemBytes = static_cast<std::size_t>(to.shared_bytes);
  config.stream = to.stream;
  config.attrs = attributes;
  if (to.cluster > 1) {
    attributes[config.numAttrs].id = cudaLaunchAttributeClusterDimension;
    attributes[config.numAttrs].val.clusterDim.x = static_cast<unsigned>(to.cluster);
    attributes[config.numAttrs].val.clusterDim.y = 1;
    attributes[config.numAttrs++].val.clusterDim.z = 1;
  }
  if (to.capability >= 90) {
    attributes[config.numAttrs].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[config.numAttrs++].val.programmaticStreamSerializationAllowed = 1;
  }
  cuda_check(cudaLaunchKernelEx(&config, kernel, arguments...), name);
}

#ifdef __CUDACC__

// Before a kernel reads what an earlier one wrote, and before it writes what an earlier one may still read.
__device__ inline void wait_for_earlier_kernels() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ inline void let_later_kernels_begin() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

#endif

}  // namespace fathom::cuda
