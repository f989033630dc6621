// The processes that train together, each with its share of every step's micro-batches, and their sums.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>

namespace fathom::train {

class Ranks {
 public:
  // One process alone.
  Ranks();
  // Waits until all have come. They find each other through `rendezvous`, a file that all can write and that did not
  // exist; sums go through NCCL for tensors of a CUDA device, else through Gloo over the loopback interface.
  Ranks(std::int64_t rank, std::int64_t size, const std::filesystem::path& rendezvous, torch::Device device);
  ~Ranks();
  Ranks(Ranks&&) noexcept;

  std::int64_t rank() const { return rank_; }
  std::int64_t size() const { return size_; }
  bool first() const { return rank_ == 0; }

  // In its place, over all ranks; the same bits on each. On CUDA the host does not wait.
  void sum(torch::Tensor tensor) const;
  // Whether any rank says so; the host waits.
  bool any(bool value) const;

 private:
  struct Group;
  std::int64_t rank_ = 0;
  std::int64_t size_ = 1;
  torch::Device device_ = torch::kCPU;
  std::unique_ptr<Group> group_;
};

}  // namespace fathom::train
