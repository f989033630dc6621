// In the backend's place where no CUDA compiler was found.
#include "fathom/backends/cuda/cuda_backend.h"

namespace fathom {

std::string cuda_obstacle(const CudaOptions& /*options*/) {
  return "this program was built without the CUDA toolkit: nvcc was not found, or FATHOM_CUDA is off";
}

int cuda_capability(const CudaOptions& /*options*/) { return 0; }

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  throw InputError("[cuda] {}", cuda_obstacle(options));
}

}  // namespace fathom
