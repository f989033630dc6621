#include "fathom/backends/cuda/kernels/expert_plan.h"

#include "fathom/backends/cuda/kernels/cluster.cuh"
#include "fathom/backends/cuda/kernels/expert_plan_few.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/shared_address.cuh"
#include "fathom/backends/cuda/kernels/slot_sum.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = kMostExperts;  // a thread for each expert, then for each slot
constexpr int kSumThreads = 256;

// Sum of `value` over the threads before this one; `total` over all.
__device__ int before(int value, int* warp_sums, int& total) {
  const int lane = threadIdx.x % 32;
  const int warp = threadIdx.x / 32;
  int sum = value;
  for (int step = 1; step < 32; step *= 2) {
    const int other = __shfl_up_sync(0xffffffffU, sum, step);
    if (lane >= step) sum += other;
  }
  __syncthreads();  // the last use of warp_sums is over
  if (lane == 31) warp_sums[warp] = sum;
  __syncthreads();
  int earlier = 0;
  total = 0;
  for (int other = 0; other < kThreads / 32; ++other) {
    if (other < warp) earlier += warp_sums[other];
    total += warp_sums[other];
  }
  return earlier + sum - value;
}

// Blocks that plan together: one is held up by its scattered writes, a sector of memory each. Each has every eighth
// thousand of the slots; clusters of eight are the largest that need not be asked for.
constexpr int kPlanBlocks = 8;
constexpr int kSlotsOfOneBlock = 4 * kThreads;

// What a thread's next slots want, all of them asked for at once; -1 behind the last.
constexpr int kSlotsAtOnce = 8;
__device__ void load_wanted(const ExpertPlan& plan, int first, int step, int (&wanted)[kSlotsAtOnce]) {
#pragma unroll
  for (int index = 0; index < kSlotsAtOnce; ++index) {
    const int slot = first + index * step;
    wanted[index] = slot < plan.slots ? plan.selected[slot] : -1;
  }
}

// Within an expert the rows' order is not fixed; a row's bits do not depend on it. kBlocks: of a cluster, the launch's.
template <int kBlocks>
__global__ void __launch_bounds__(kThreads) plan_experts(const ExpertPlan plan) {
  __shared__ int count[kThreads];
  __shared__ int next_row[kThreads];
  __shared__ int warp_sums[kThreads / 32];
  __shared__ bool here[kThreads];
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  const int rank = kBlocks > 1 ? cluster_rank() : 0;
  const int own_first = rank * kThreads + static_cast<int>(threadIdx.x);
  constexpr int kStep = kBlocks * kThreads;
  const int expert = threadIdx.x;
  count[expert] = 0;
  here[expert] = expert < plan.experts && plan.present[expert] != nullptr;
  __syncthreads();
  const auto is_here = [&](int wanted) { return wanted >= 0 && wanted < plan.experts && here[wanted]; };
  for (int first = own_first; first < plan.slots; first += kStep * kSlotsAtOnce) {
    int wanted[kSlotsAtOnce];
    load_wanted(plan, first, kStep, wanted);
#pragma unroll
    for (int index = 0; index < kSlotsAtOnce; ++index) {
      if (is_here(wanted[index])) atomicAdd(&count[wanted[index]], 1);
      const bool unknown = first + index * kStep < plan.slots && (wanted[index] < 0 || wanted[index] >= plan.experts);
      if (plan.fault != nullptr && unknown)
        *plan.fault = {.code = FaultCode::unknown_expert, .found = wanted[index], .limit = plan.experts};
    }
  }
  __syncthreads();
  int rows = count[expert];
  int rows_before = 0;  // of the blocks before this one
  if constexpr (kBlocks > 1) {
    cluster_arrive();
    cluster_wait();
    rows = 0;
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
      const int there = load_there(address_in(shared_address(&count[expert]), block));
      rows += there;
      if (block < rank) rows_before += there;
    }
    cluster_arrive();  // a block's counts must stay until all have read them
  }
  if (plan.use != nullptr && expert < plan.experts && rank == 0) plan.use[expert] += rows;
  const int chunks = (rows + plan.chunk_rows - 1) / plan.chunk_rows;
  const int groups = groups_of(plan, rows);
  int all_chunks = 0;
  int all_items = 0;
  const int first_chunk = before(chunks, warp_sums, all_chunks);
  const int first_item = before(groups, warp_sums, all_items);
  if (rank == 0) write_items(plan, plan.items + first_item, groups, expert, first_chunk, rows);
  for (int row = rows + rank; row < chunks * plan.chunk_rows; row += kBlocks)
    plan.slot_of_row[first_chunk * plan.chunk_rows + row] = -1;
  next_row[expert] = first_chunk * plan.chunk_rows + rows_before;
  if (threadIdx.x == 0 && rank == 0) {
    plan.counts[0] = all_items;
    plan.counts[1] = all_chunks * plan.chunk_rows;
  }
  __syncthreads();
  for (int first = own_first; first < plan.slots; first += kStep * kSlotsAtOnce) {
    int wanted[kSlotsAtOnce];
    load_wanted(plan, first, kStep, wanted);
    int row[kSlotsAtOnce];
#pragma unroll
    for (int index = 0; index < kSlotsAtOnce; ++index)
      row[index] = is_here(wanted[index]) ? atomicAdd(&next_row[wanted[index]], 1) : -1;
#pragma unroll
    for (int index = 0; index < kSlotsAtOnce; ++index) {
      const int slot = first + index * kStep;
      if (slot < plan.slots) plan.row_of_slot[slot] = row[index];
      if (row[index] >= 0) plan.slot_of_row[row[index]] = slot;
    }
  }
  if constexpr (kBlocks > 1) cluster_wait();
}

__global__ void __launch_bounds__(kWarp) plan_few_experts(const ExpertPlan plan) {
  if (plan.chosen == nullptr) let_later_kernels_begin();
  const PresentExperts present(plan);
  wait_for_earlier_kernels();
  clear_chosen(plan);
  let_later_kernels_begin();
  plan_few_slots(plan, present, lane_id() < plan.slots ? plan.selected[lane_id()] : 0);
  clear_awaited(plan, lane_id(), kWarp);
}

__global__ void __launch_bounds__(kSumThreads) sum_slots(const ExpertSum sum) {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  const std::int64_t channel = std::int64_t{blockIdx.y} * kSumThreads + threadIdx.x;
  const std::int64_t token = blockIdx.x;
  if (channel >= sum.channels) return;
  float total = 0.0F;
  for (std::int64_t slot = 0; slot < sum.slots; ++slot) {
    const int row = sum.row_of_slot[token * sum.slots + slot];
    if (row >= 0) total += sum.rows[row * sum.channels + channel];
  }
  const std::int64_t place = token * sum.channels + channel;
  sum.out[place] = sum.beside == nullptr ? total : total + sum.beside[place];
}

__global__ void __launch_bounds__(kSumThreads) sum_slots_of_fours(const ExpertSum sum, std::uint32_t blocks_of_token) {
  let_later_kernels_begin();
  wait_for_earlier_kernels();
  const std::int64_t fours = sum.channels / 4;
  const std::int64_t token = blockIdx.x / blocks_of_token;
  const std::int64_t four = std::int64_t{blockIdx.x % blocks_of_token} * kSumThreads + threadIdx.x;
  if (four >= fours) return;
  float4 total = sum_of_slots(sum, token, four);
  const std::int64_t place = token * fours + four;
  if (sum.beside != nullptr) total = added(total, reinterpret_cast<const float4*>(sum.beside)[place]);
  reinterpret_cast<float4*>(sum.out)[place] = total;
}

bool in_fours(const ExpertSum& sum) {
  const auto aligned = [](const float* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; };
  return sum.channels % 4 == 0 && aligned(sum.rows) && aligned(sum.out) && aligned(sum.beside);
}

}  // namespace

void launch_plan(const ProductDevice& device, const ExpertPlan& plan, Stream stream) {
  const bool chained = device.capability >= 90;
  static_assert(kMostSlotsOfWarp == kWarp);
  if (plan.slots <= kMostSlotsOfWarp) {
    launch(stream, "plan_few_experts", {.threads = kWarp, .chained = chained}, plan_few_experts, plan);
    return;
  }
  if (chained && device.clusters_of_eight != 0 && plan.slots > kSlotsOfOneBlock) {
    launch(stream, "plan_experts",
           {.blocks = {kPlanBlocks}, .threads = kThreads, .cluster = kPlanBlocks, .chained = true},
           plan_experts<kPlanBlocks>, plan);
    return;
  }
  launch(stream, "plan_experts", {.threads = kThreads, .chained = chained}, plan_experts<1>, plan);
}

void launch_sum(int capability, const ExpertSum& sum, Stream stream) {
  if (in_fours(sum)) {
    const auto blocks = static_cast<unsigned>(pieces_of(sum.channels / 4, kSumThreads));
    launch(
        stream, "sum_slots_of_fours",
        {.blocks = {static_cast<unsigned>(sum.tokens) * blocks}, .threads = kSumThreads, .chained = capability >= 90},
        sum_slots_of_fours, sum, blocks);
    return;
  }
  launch(stream, "sum_slots",
         {.blocks = {static_cast<unsigned>(sum.tokens), static_cast<unsigned>(pieces_of(sum.channels, kSumThreads))},
          .threads = kSumThreads,
          .chained = capability >= 90},
         sum_slots, sum);
}

}  // namespace fathom::cuda
