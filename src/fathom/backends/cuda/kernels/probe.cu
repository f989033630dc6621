#include "fathom/backends/cuda/kernels/probe.h"

namespace fathom::cuda {
namespace {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || !defined(__CUDA_ARCH__)
constexpr int kCompiled = 90;
#elif __CUDA_ARCH__ == 900
constexpr int kCompiled = 91;
#else
constexpr int kCompiled = __CUDA_ARCH__ / 10;
#endif

__device__ int compiled = kCompiled;  // each architecture's own

__global__ void probe() {}

}  // namespace

bool has_code_for_device() {
  cudaFuncAttributes attributes;
  if (cudaFuncGetAttributes(&attributes, probe) == cudaSuccess) return true;
  cudaGetLastError();  // forgotten
  return false;
}

int compiled_capability() {
  int capability = 0;
  if (cudaMemcpyFromSymbol(&capability, compiled, sizeof(capability)) == cudaSuccess) return capability;
  cudaGetLastError();  // forgotten
  return 0;
}

}  // namespace fathom::cuda
