#include "fathom/backends/cuda/kernels/probe.h"

namespace fathom::cuda {
namespace {

__global__ void probe() {}

}  // namespace

bool has_code_for_device() {
  cudaFuncAttributes attributes;
  if (cudaFuncGetAttributes(&attributes, probe) == cudaSuccess) return true;
  cudaGetLastError();  // forgotten
  return false;
}

}  // namespace fathom::cuda
