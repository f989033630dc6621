// Which rows meet which expert: what both kernels share, and the plan by one warp.
#pragma once

#include "fathom/backends/cuda/kernels/awaited.cuh"
#include "fathom/backends/cuda/kernels/expert_plan.h"
#include "fathom/backends/cuda/kernels/lone_experts.h"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {

// Which experts are here, a bit each: lane i has those of [32 i, 32 i + 32). All lanes of a warp call it, before the
// wait: no kernel writes the table.
class PresentExperts {
 public:
  __device__ explicit PresentExperts(const ExpertPlan& plan) {
    static_assert(kMostExperts <= kWarp * kWarp);
#pragma unroll 4
    for (int first = 0; first < plan.experts; first += kWarp) {
      const int expert = first + lane_id();
      const bool here = expert < plan.experts && plan.present[expert] != nullptr;
      const unsigned bits = __ballot_sync(kAllLanes, here);
      if (lane_id() == first / kWarp) bits_ = bits;
    }
  }
  __device__ bool has(int expert) const {
    const unsigned bits = __shfl_sync(kAllLanes, bits_, expert / kWarp % kWarp);
    return (bits >> expert % kWarp & 1U) != 0;
  }

 private:
  unsigned bits_ = 0;
};

__device__ inline int groups_of(const ExpertPlan& plan, int rows) {
  const int group_rows = plan.group_chunks * plan.chunk_rows;
  return rows <= plan.last_rows ? (rows > 0 ? 1 : 0) : 1 + (rows - plan.last_rows + group_rows - 1) / group_rows;
}
__device__ inline void write_items(const ExpertPlan& plan, ExpertItem* to, int groups, int expert, int first_chunk,
                                   int rows) {
  const int group_rows = plan.group_chunks * plan.chunk_rows;
  for (int group = 0; group < groups; ++group)
    to[group] = {expert, first_chunk + group * plan.group_chunks,
                 group + 1 < groups ? group_rows : rows - group * group_rows};
}

// Ahead of its plan and of letting the next launch begin, by the warp that plans: nobody knows the experts yet.
__device__ inline void clear_chosen(const ExpertPlan& plan) {
  if (plan.chosen == nullptr) return;
  for (std::int64_t item = lane_id(); item < plan.most_items; item += kWarp)
    write_there(plan.chosen + item, static_cast<std::int32_t>(kAwaited));
  __threadfence();
  __syncwarp();  // one lane lets the next launch begin for all
}

// What a lone token's experts will write, by `threads` threads of the launch that plans them.
__device__ inline void clear_awaited(const ExpertPlan& plan, std::int64_t thread, std::int64_t threads) {
  const uint4 none = {kAwaited, kAwaited, kAwaited, kAwaited};
  for (std::int64_t four = thread; 4 * four < plan.awaited_floats; four += threads)
    reinterpret_cast<uint4*>(plan.awaited)[four] = none;
}

// The plan of slots that one warp holds, a lane each, with the expert that its slot wants. Lanes of one expert follow
// each other in the order of slots; the first of them speaks for it.
__device__ inline void plan_few_slots(const ExpertPlan& plan, const PresentExperts& present, int wanted) {
  const int slot = lane_id();
  const bool inside = slot < plan.slots;
  const bool known = wanted >= 0 && wanted < plan.experts;
  if (inside && plan.fault != nullptr && !known)
    *plan.fault = {.code = FaultCode::unknown_expert, .found = wanted, .limit = plan.experts};
  const bool here = present.has(known ? wanted : 0);
  const int expert = inside && known && here ? wanted : -1;
  // The launch that waits for `chosen` has one row an item: an expert that is named twice is read twice.
  const unsigned same = plan.chosen != nullptr ? 1U << slot : __match_any_sync(kAllLanes, expert);
  const int place = __popc(same & ((1U << slot) - 1U));
  const bool first = expert >= 0 && place == 0;
  const int rows = __popc(same);
  const int chunks = first ? (rows + plan.chunk_rows - 1) / plan.chunk_rows : 0;
  const int groups = first ? groups_of(plan, rows) : 0;
  int sums[2] = {chunks, groups};  // up to this lane's, then before them
#pragma unroll
  for (int step = 1; step < kWarp; step *= 2)
#pragma unroll
    for (int& sum : sums) {
      const int other = __shfl_up_sync(kAllLanes, sum, step);
      if (slot >= step) sum += other;
    }
  const int items = __shfl_sync(kAllLanes, sums[1], kWarp - 1);
  if (plan.chosen != nullptr) {
    if (slot >= items && slot < plan.most_items) write_there(plan.chosen + slot, kNoExpert);
    if (first)
      for (int item = sums[1] - groups; item < sums[1]; ++item) write_there(plan.chosen + item, expert);
  }
  if (slot == kWarp - 1) {
    plan.counts[0] = sums[1];
    plan.counts[1] = sums[0] * plan.chunk_rows;
  }
  const int first_chunk = __shfl_sync(kAllLanes, sums[0] - chunks, __ffs(static_cast<int>(same)) - 1);
  if (inside) plan.row_of_slot[slot] = expert >= 0 ? first_chunk * plan.chunk_rows + place : -1;
  if (expert >= 0) plan.slot_of_row[first_chunk * plan.chunk_rows + place] = slot;
  if (!first) return;
  if (plan.use != nullptr) atomicAdd(plan.use + expert, static_cast<unsigned>(rows));  // which nobody waits for
  write_items(plan, plan.items + sums[1] - groups, groups, expert, first_chunk, rows);
  for (int row = rows; row < chunks * plan.chunk_rows; ++row)
    plan.slot_of_row[first_chunk * plan.chunk_rows + row] = -1;
}

}  // namespace fathom::cuda
