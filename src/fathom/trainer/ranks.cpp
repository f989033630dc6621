#include "fathom/trainer/ranks.h"

#include <torch/torch.h>

#include <string>
#include <vector>

#include "fathom/base/error.h"

// LibTorch's headers for its engines need the engines' own (Debian: libgloo-dev), whatever it was built with.
#if __has_include(<gloo/algorithm.h>)
#define FATHOM_HAS_GLOO
#ifndef USE_C10D_GLOO
#define USE_C10D_GLOO
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif
#if __has_include(<nccl.h>) && __has_include(<c10/cuda/CUDAStream.h>)
#define FATHOM_HAS_NCCL
#ifndef USE_C10D_NCCL
#define USE_C10D_NCCL
#endif
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <torch/csrc/distributed/c10d/FileStore.hpp>

namespace fathom::train {

struct Ranks::Group {
#ifdef FATHOM_HAS_GLOO
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
#endif
#ifdef FATHOM_HAS_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;
#endif

  bool sum([[maybe_unused]] std::vector<torch::Tensor>& tensors) {
#ifdef FATHOM_HAS_NCCL
    if (nccl) {
      nccl->allreduce(tensors)->wait();  // the stream waits, not the host
      return true;
    }
#endif
#ifdef FATHOM_HAS_GLOO
    if (gloo) {
      gloo->allreduce(tensors)->wait();
      return true;
    }
#endif
    return false;
  }
};

Ranks::Ranks() = default;
Ranks::~Ranks() = default;
Ranks::Ranks(Ranks&&) noexcept = default;

Ranks::Ranks(std::int64_t rank, std::int64_t size, const std::filesystem::path& rendezvous, torch::Device device)
    : rank_(rank), size_(size), device_(device), group_(std::make_unique<Group>()) {
  [[maybe_unused]] const auto store = c10::make_intrusive<c10d::FileStore>(rendezvous.string(), static_cast<int>(size));
  if (device.is_cuda()) {
#ifdef FATHOM_HAS_NCCL
    group_->nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, static_cast<int>(rank), static_cast<int>(size));
    return;
#else
    throw InputError("[ranks] this fathom-train was built without NCCL, expected it for {} ranks on CUDA", size);
#endif
  }
#ifdef FATHOM_HAS_GLOO
  const auto options = c10d::ProcessGroupGloo::Options::create();
  options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  group_->gloo =
      c10::make_intrusive<c10d::ProcessGroupGloo>(store, static_cast<int>(rank), static_cast<int>(size), options);
#else
  throw InputError("[ranks] this fathom-train was built without Gloo (Debian: libgloo-dev), expected it for {} ranks",
                   size);
#endif
}

void Ranks::sum(torch::Tensor tensor) const {
  if (size_ == 1) return;
  const torch::NoGradGuard no_gradients;
  std::vector<torch::Tensor> tensors{std::move(tensor)};
  check(group_->sum(tensors), "ranks have a group to sum in");
}

bool Ranks::any(bool value) const {
  if (size_ == 1) return value;
  const torch::Tensor votes =
      torch::full({1}, value ? 1.0 : 0.0, torch::TensorOptions().dtype(torch::kFloat32).device(device_));
  sum(votes);
  return votes.item<float>() > 0.0F;
}

}  // namespace fathom::train
