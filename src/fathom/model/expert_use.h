// How often each routed expert was chosen since the model was loaded. The thread that runs the model counts; any thread
// may look meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "fathom/tensor/view.h"

namespace fathom {

class ExpertUse {
 public:
  ExpertUse() = default;  // nothing is counted
  ExpertUse(std::int64_t blocks, std::int64_t experts);

  // `selected` [tokens, selected] lies in the host's memory. Ids that are no expert's are left to who looks them up.
  void count(std::int64_t block, View<const std::int32_t, 2> selected);

  std::int64_t blocks() const { return blocks_; }
  std::vector<std::int64_t> of(std::int64_t block) const;  // [experts]

 private:
  std::int64_t blocks_ = 0;
  std::int64_t experts_ = 0;
  std::vector<std::atomic<std::int64_t>> times_;  // [blocks, experts]
};

}  // namespace fathom
