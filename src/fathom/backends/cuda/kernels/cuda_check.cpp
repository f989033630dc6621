#include "fathom/backends/cuda/kernels/cuda_check.h"

#include "fathom/base/error.h"

namespace fathom::cuda {

void cuda_check(cudaError_t result, std::string_view call) {
  if (result != cudaSuccess) throw InternalError("[cuda] {}: {}", call, cudaGetErrorString(result));
}

}  // namespace fathom::cuda
