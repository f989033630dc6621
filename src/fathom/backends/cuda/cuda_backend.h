// NVIDIA GPUs. Check, choose, launch and compute are four places (docs/cuda.md): shapes are checked at the door
// (ops/checks.cpp), choose/ says how work is cut, launch/ fills kernels' arguments, kernels/ computes. A program
// without the CUDA toolkit has these functions as well.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "fathom/ops/backend.h"

namespace fathom {

// How products multiply (docs/cuda.md). A row's bits never depend on its company; the first alone has the released
// order.
enum class CudaProducts : std::uint8_t {
  plain,    // one chain a sum, as released: slow
  float32,  // long sums on tensor cores, of 22 bits of every activation
  fp8,      // the same, activations beside FP8 and FP4 weights rounded to e4m3 with a power of two per 128
};

struct CudaOptions {
  int device = 0;
  CudaProducts products = CudaProducts::float32;
  // Sums from so many inputs on go to tensor cores: small models keep to the released order, and to their goldens.
  std::int64_t tensor_core_inputs = 1024;
  bool graphs = true;        // steps that launch alike, as one (device/step_recorder.h)
  bool shortlists = true;    // the sampler's few tokens are found on the GPU (ops/shortlist.h)
  bool lone_experts = true;  // a lone token's in one launch (kernels/lone_experts.h), with fp8 on 9.0: the same bits
  // Of the GPU's memory, for weights; routed experts that do not fit lie in this machine's memory, pinned, and are read
  // over the bus. 0: what is free at the start but for caches and a step (Backend::expect).
  std::int64_t weight_bytes = 0;
  std::int64_t kept_bytes = 0;  // of what is free there: others are still to take it
  // No other model is to come to this GPU, so that what caches do not take yet may be lent to experts (docs/cuda.md).
  // Where weight_bytes are given they get no more.
  bool alone = true;
};

// Why no CUDA backend can be had here; empty when one can.
std::string cuda_obstacle(const CudaOptions& options);

// What the kernels that would run there were compiled for (kernels/probe.h): 90 for 9.0a, 0 where there is an obstacle.
int cuda_capability(const CudaOptions& options);

// One operation at a time, all on one stream: nothing waits for the device but upload() and download(). InputError with
// the obstacle when there is one.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

}  // namespace fathom
