// A call of the CUDA runtime that must succeed.
#pragma once

#include <cuda_runtime.h>

#include <string_view>

namespace fathom::cuda {

// InternalError with what was called for and the runtime's words.
void cuda_check(cudaError_t result, std::string_view call);

}  // namespace fathom::cuda
