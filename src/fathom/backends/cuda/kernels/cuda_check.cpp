#include "fathom/backends/cuda/kernels/cuda_check.h"

#include "fathom/base/error.h"

namespace fathom::cuda {

void cuda_check(cudaError_t result, std::string_view call) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // or the next check would see it again
  throw InternalError("[cuda] {}: {} ({})", call, cudaGetErrorString(result), cudaGetErrorName(result));
}

}  // namespace fathom::cuda
