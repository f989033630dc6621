// A call of the CUDA runtime that must succeed.
#pragma once

#include <cuda_runtime_api.h>

#include <string_view>

#include "fathom/base/error.h"

namespace fathom::cuda {

// InternalError with what was being done and the runtime's words.
inline void call(cudaError_t code, std::string_view what) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // or the next check would see it again
  throw InternalError("[cuda] {}: {} ({})", what, cudaGetErrorString(code), cudaGetErrorName(code));
}

}  // namespace fathom::cuda
