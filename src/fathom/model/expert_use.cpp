#include "fathom/model/expert_use.h"

#include "fathom/base/error.h"

namespace fathom {

ExpertUse::ExpertUse(std::int64_t blocks, std::int64_t experts)
    : blocks_(blocks), experts_(experts), times_(static_cast<std::size_t>(blocks * experts)) {}

// One thread writes, so a load and a store do: an atomic addition would lock the bus for each choice.
void ExpertUse::count(std::int64_t block, View<const std::int32_t, 2> selected) {
  check(block >= 0 && block < blocks_, "a block whose experts are counted");
  std::atomic<std::int64_t>* times = times_.data() + block * experts_;
  for (const std::int32_t expert : selected.span()) {
    if (expert < 0 || expert >= experts_) continue;
    times[expert].store(times[expert].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
}

std::vector<std::int64_t> ExpertUse::of(std::int64_t block) const {
  check(block >= 0 && block < blocks_, "a block whose experts are counted");
  std::vector<std::int64_t> times;
  times.reserve(static_cast<std::size_t>(experts_));
  for (std::int64_t expert = 0; expert < experts_; ++expert)
    times.push_back(times_[static_cast<std::size_t>(block * experts_ + expert)].load(std::memory_order_relaxed));
  return times;
}

}  // namespace fathom
