// A failed CUDA call as an InternalError with its name.
#pragma once

#include <cuda_runtime.h>

#include <string_view>

namespace fathom::cuda {

void cuda_check(cudaError_t result, std::string_view call);

}  // namespace fathom::cuda
