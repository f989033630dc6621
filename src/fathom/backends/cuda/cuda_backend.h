// NVIDIA GPUs. Check, choose, launch and compute are four places (docs/cuda.md): shapes are checked at the door
// (ops/checks.cpp), choose/ says how work is cut, launch/ fills kernels' arguments, kernels/ computes. A program
// without the CUDA toolkit has these two functions as well.
#pragma once

#include <memory>
#include <string>

#include "fathom/ops/backend.h"

namespace fathom {

struct CudaOptions {
  int device = 0;
  // Long sums on tensor cores, in an order of their own; else as released, which is slow (docs/cuda.md).
  bool tensor_cores = false;
};

// Why no CUDA backend can be had here; empty when one can.
std::string cuda_obstacle(const CudaOptions& options);

// One operation at a time, all on one stream: nothing waits for the device but upload() and download(). InputError with
// the obstacle when there is one.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

}  // namespace fathom
