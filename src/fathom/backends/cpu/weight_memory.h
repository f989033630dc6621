// Memory for packed weights, whole pages that nothing has touched. A page lies on the node of the thread that writes it
// first: weights are packed by the threads that multiply them (packed_weight.h). Where threads may wander between nodes
// pages are spread over all of them instead, so that no node's bus carries everything.
#pragma once

#include <vector>

#include "fathom/tensor/memory.h"

namespace fathom {

class WeightMemory final : public Allocator {
 public:
  // Spread over these nodes; fewer than two: by first touch.
  explicit WeightMemory(std::vector<int> spread = {}) : spread_(std::move(spread)) {}

  std::byte* allocate(std::int64_t bytes) override;
  void release(std::byte* data, std::int64_t bytes) noexcept override;

 private:
  std::vector<int> spread_;
};

}  // namespace fathom
