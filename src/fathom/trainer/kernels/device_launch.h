// What every device_*.cpp does with a kernel and its tensors.
#pragma once

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/types.h>

namespace fathom::train::device {

inline bool is_bf16(const torch::Tensor& x) { return x.scalar_type() == torch::kBFloat16; }
inline torch::Tensor wide(const torch::Tensor& x) { return x.to(torch::kFloat32).contiguous(); }
inline torch::TensorOptions wide_options(const torch::Tensor& x) { return x.options().dtype(torch::kFloat32); }

template <class Args, class Kernel>
void launch(const torch::Tensor& x, const Kernel& kernel, const Args& args) {
  const c10::cuda::CUDAGuard guard(x.device());
  kernel(args, c10::cuda::getCurrentCUDAStream().stream());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace fathom::train::device
