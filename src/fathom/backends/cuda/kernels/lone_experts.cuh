// A lone token's experts. Thread blocks have a tile of 64 outputs each, of all inputs, and walk through parts of the
// work: w1 and w3 of a group of experts, then of the next group, then w2 of the first one, and so on. So what w2 reads
// was written one part earlier, by all blocks, and weights come without a pause. Nothing is fenced and no kernel ends
// in between: who needs a number reads it until it is no longer kAwaited.
#pragma once

#include <cstdint>

#include "fathom/backends/cuda/kernels/awaited.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/lone_experts.h"
#include "fathom/backends/cuda/kernels/pack_block.cuh"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/product_sums.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"

namespace fathom::cuda {

inline constexpr int kLoneGroups = 4;  // warpgroups: each takes every fourth tile along the inputs
inline constexpr int kLoneConsumers = kLoneGroups * kWarpgroupThreads;
inline constexpr int kLoneThreads = kLoneConsumers + kWarp;
inline constexpr int kLoneTile = tile_bytes(TileKind::fp4);
inline constexpr int kLoneStageBytes = kLoneGroups * kLoneTile;
inline constexpr int kLoneSumBytes = kLoneGroups * kTileRows * 4;
inline constexpr int kLoneInputs = kLoneGroups * kBlockInputs;  // of a stage
inline constexpr int kLoneChunkRows = 8;                        // of the plan
// Of the matrix instruction's second operand, whose pieces have eight columns: a row's pieces follow each other, and
// seven columns of each are other pieces of the row, which nobody reads.
inline constexpr int kPieceInputs = 16;

// Where things lie in a block's shared memory.
struct LonePlaces {
  int sums;
  int x;
  int activated;  // two of them: one is read while the next is written
  int x_scales;
  int activated_scales;
  int tables;
  int barriers;
  int bytes;
};
__host__ __device__ constexpr LonePlaces lone_places(int stages, std::int64_t experts, std::int64_t channels,
                                                     std::int64_t expert_dim) {
  LonePlaces places = {};
  places.sums = stages * kLoneStageBytes;
  places.x = places.sums + stages * kLoneSumBytes;
  places.activated = places.x + static_cast<int>(channels);
  places.x_scales = places.activated + 2 * static_cast<int>(expert_dim);
  places.activated_scales = places.x_scales + static_cast<int>(channels / kBlockInputs * 4);
  places.tables = places.activated_scales + 2 * static_cast<int>(expert_dim / kBlockInputs * 4);
  places.barriers = places.tables + 2 * static_cast<int>(experts * 8);
  places.bytes = places.barriers + 16 * stages + 16;
  return places;
}

#ifdef FATHOM_WARPGROUP_PRODUCTS

class LoneExpertsBlock {
 public:
  __device__ LoneExpertsBlock(const LoneExperts& work, const LoneShape& shape, std::uint8_t* memory)
      : work_(work),
        shape_(shape),
        memory_(memory),
        at_(lone_places(shape.stages, work.experts, work.channels, work.expert_dim)),
        up_tiles_(static_cast<int>(2 * work.expert_dim / kTileRows)),
        down_tiles_(static_cast<int>(work.channels / kTileRows)),
        groups_((work.most_items + shape.group_items - 1) / shape.group_items),
        up_item_(static_cast<int>(blockIdx.x) / up_tiles_),
        down_item_(static_cast<int>(blockIdx.x) / down_tiles_),
        up_tile_(static_cast<int>(blockIdx.x) % up_tiles_),
        down_tile_(static_cast<int>(blockIdx.x) % down_tiles_),
        full_(shared_address(memory + at_.barriers)),
        empty_(full_ + 8 * shape.stages),
        known_(empty_ + 8 * shape.stages) {}

  __device__ void run() {
    prepare();
    if (warp_id() == kLoneConsumers / kWarp) {
      await_items();
      copy_and_add();
    } else {
      compute();
    }
  }

 private:
  using Weight = WeightOperand<TileKind::fp4, Operand::e4m3>;

  // What a block does from one part of the work to the next.
  struct Part {
    int group = 0;
    int item = 0;
    int stages = 0;  // none: nothing
    bool down = false;
  };
  struct Walk {
    int index = -1;  // of the part
    int stage = 0;
    Part part = {};
  };

  __device__ void prepare() {
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < shape_.stages; ++stage) {
        barrier_init(full_ + 8 * stage, 1);
        barrier_init(empty_ + 8 * stage, kLoneConsumers / kWarp);
      }
      barrier_init(known_, 1);
      fence_barriers();
    }
    magnitudes_ = fill_magnitude_tables<TileKind::fp4, Operand::e4m3>();
    const auto* first = up_tile_ < up_tiles_ / 2 ? work_.w1 : work_.w3;
    for (int expert = static_cast<int>(threadIdx.x); expert < work_.experts; expert += kLoneThreads) {
      tiles_of(false)[expert] = read_place(first + expert);
      tiles_of(true)[expert] = read_place(work_.w2 + expert);
    }
    __syncthreads();
  }

  // Not through the first-level cache: what is in it may be of an earlier step.
  __device__ static const std::uint8_t* read_place(const std::uint8_t* const* from) {
    return reinterpret_cast<const std::uint8_t*>(__ldcg(reinterpret_cast<const unsigned long long*>(from)));
  }

  // By the copying warp: lane i has the i-th item.
  __device__ void await_items() {
    expert_ = kNoExpert;
    if (lane_id() < work_.most_items)
      await([&] {
        expert_ = read_there(work_.chosen + lane_id());
        return expert_ != static_cast<std::int32_t>(kAwaited);
      });
    item_count_ = __popc(__ballot_sync(kAllLanes, expert_ >= 0));
    if (lane_id() == 0) {
      *items_known() = item_count_;
      barrier_arrive(known_);
    }
  }

  __device__ int* items_known() const {
    return reinterpret_cast<int*>(memory_ + at_.barriers + 16 * shape_.stages + 8);
  }

  __device__ const std::uint8_t** tiles_of(bool down) const {
    return reinterpret_cast<const std::uint8_t**>(memory_ + at_.tables) + (down ? work_.experts : 0);
  }

  __device__ Part part_at(int index) const {
    const int last = 2 * groups_ - 1;
    Part part;
    part.down = index == last || (index > 0 && index % 2 == 0);
    part.group = index == last ? groups_ - 1 : part.down ? index / 2 - 1 : (index + 1) / 2;
    const int own = part.down ? down_item_ : up_item_;
    part.item = part.group * shape_.group_items + own;
    const bool exists = own < shape_.group_items && part.item < item_count_;
    part.stages = exists ? static_cast<int>((part.down ? work_.expert_dim : work_.channels) / kLoneInputs) : 0;
    return part;
  }

  // To the next stage; false: there is none.
  __device__ bool step(Walk& walk) const {
    if (++walk.stage < walk.part.stages) return true;
    walk.stage = 0;
    do {
      if (++walk.index >= 2 * groups_) return false;
      walk.part = part_at(walk.index);
    } while (walk.part.stages == 0);
    return true;
  }

  // The copying warp also adds what a stage's four tiles have come to, in the order of the inputs: two outputs a lane.
  __device__ void copy_and_add() {
    Walk ahead;
    bool more = step(ahead);
    for (int stage = 0; stage < shape_.stages && more; ++stage) {
      copy(ahead, stage);
      more = step(ahead);
    }
    let_later_kernels_begin();
    Walk behind;
    Stage stage;
    float totals[2] = {0.0F, 0.0F};
    wait_for_earlier_kernels();
    while (step(behind)) {
      barrier_wait(empty_ + 8 * stage.index, stage.parity);
      const float* sums = sums_of(stage) + lane_id();
      float values[kLoneGroups][2];
#pragma unroll
      for (int tile = 0; tile < kLoneGroups; ++tile)
#pragma unroll
        for (int half = 0; half < 2; ++half) values[tile][half] = sums[tile * kTileRows + half * kWarp];
      __syncwarp();
      if (more) {
        copy(ahead, stage.index);
        more = step(ahead);
      }
#pragma unroll
      for (int tile = 0; tile < kLoneGroups; ++tile)
#pragma unroll
        for (int half = 0; half < 2; ++half) totals[half] += values[tile][half];
      if (behind.stage + 1 == behind.part.stages) put(behind.part, totals);
      stage.advance(shape_.stages);
    }
  }

  // A part's stages follow each other.
  __device__ void copy(const Walk& walk, int stage) {
    if (walk.stage == 0) {
      const int expert = __shfl_sync(kAllLanes, expert_, walk.part.item);
      const int half = up_tiles_ / 2;
      const int tile = walk.part.down ? down_tile_ : up_tile_ < half ? up_tile_ : up_tile_ - half;
      next_ = tiles_of(walk.part.down)[expert] + std::int64_t{tile} * walk.part.stages * kLoneStageBytes;
    }
    const std::uint32_t full = full_ + 8 * stage;
    expect_bytes(full, kLoneStageBytes, lane_id());
    copy_bytes(shared_address(memory_ + stage * kLoneStageBytes), next_, kLoneStageBytes, full, lane_id());
    next_ += kLoneStageBytes;
  }

  __device__ float* sums_of(const Stage& stage) const {
    return reinterpret_cast<float*>(memory_ + at_.sums + stage.index * kLoneSumBytes);
  }

  __device__ void put(const Part& part, float (&totals)[2]) const {
    const std::int64_t row = part.item * kLoneChunkRows;
    const int half = up_tiles_ / 2;
    float* to = part.down         ? work_.down + row * work_.channels + down_tile_ * kTileRows
                : up_tile_ < half ? work_.gate + part.item * work_.expert_dim + up_tile_ * kTileRows
                                  : work_.up + part.item * work_.expert_dim + (up_tile_ - half) * kTileRows;
#pragma unroll
    for (int half_of = 0; half_of < 2; ++half_of) {
      write_there(to + lane_id() + half_of * kWarp, totals[half_of]);
      totals[half_of] = 0.0F;
    }
  }

  __device__ static int warpgroup() { return static_cast<int>(threadIdx.x) / kWarpgroupThreads; }

  __device__ void compute() {
    pack_x();
    barrier_wait(known_, 0);
    item_count_ = *items_known();
    const int row = static_cast<int>(threadIdx.x) % kWarpgroupThreads / kWarp * 16 + lane_id() / 4;
    const int first_sum = warpgroup() * kTileRows + row;
    Walk walk;
    Stage stage;
    const std::uint8_t* rows = nullptr;
    const float* scales = nullptr;
    bool more = step(walk);
    Weight weight;
    if (more) weight = load(stage);
    while (more) {
      if (walk.stage == 0) begin_part(walk, rows, scales);
      const int block = walk.stage * kLoneGroups + warpgroup();
      float sums[4];
      start(sums, weight, rows + block * kBlockInputs);
      const float scale = scales[block];
      const float of_rows[2] = {scale * weight.scale[0], scale * weight.scale[1]};
      float* to = sums_of(stage) + first_sum;
      const std::uint32_t used = empty_ + 8 * stage.index;
      stage.advance(shape_.stages);
      more = step(walk);
      Weight next;
      if (more) next = load(stage);
      wait_products<0>();
      weight.hold();
      hold_sums<8>(sums);
      if (lane_id() % 4 == 0) {        // the first column
        to[0] = sums[0] * of_rows[0];  // exact: powers of two
        to[8] = sums[2] * of_rows[1];
      }
      __syncwarp();
      if (lane_id() == 0) barrier_arrive(used);
      weight = next;
    }
  }

  __device__ Weight load(const Stage& stage) const {
    barrier_wait(full_ + 8 * stage.index, stage.parity);
    Weight weight;
    weight.load(memory_ + stage.index * kLoneStageBytes + warpgroup() * kLoneTile,
                static_cast<int>(threadIdx.x) % kWarpgroupThreads, magnitudes_);
    return weight;
  }

  // Which row is multiplied, packed by now.
  __device__ void begin_part(const Walk& walk, const std::uint8_t*& rows, const float*& scales) {
    if (!walk.part.down) {
      rows = memory_ + at_.x;
      scales = reinterpret_cast<const float*>(memory_ + at_.x_scales);
      return;
    }
    if (!weighed_) weigh();
    const int half = walk.part.group % 2;  // other warps may still be at the group before
    std::uint8_t* to = memory_ + at_.activated + half * static_cast<int>(work_.expert_dim);
    float* to_scales =
        reinterpret_cast<float*>(memory_ + at_.activated_scales) + half * work_.expert_dim / kBlockInputs;
    pack_activated(walk.part.item, to, to_scales);
    rows = to;
    scales = to_scales;
  }

  __device__ static void start(float (&sums)[4], const Weight& weight, const std::uint8_t* row) {
    constexpr std::uint32_t kStep = kPieceInputs >> 4;  // from one piece to the next, in sixteens
    const std::uint32_t first = (shared_address(row) & 0x3ffffU) >> 4 | kStep << 16;
    start_products<Weight::kSteps, 8>(sums, [&](int step, int add) {
      warpgroup_step_e4m3_8(sums, weight.a[step], std::uint64_t{kStep} << 32 | (first + 2 * step), add);
    });
  }

  // Lane i has the i-th item's weight.
  __device__ void weigh() {
    wait_for_earlier_kernels();
    if (lane_id() < item_count_)
      weight_ = __ldcg(work_.weights + __ldcg(work_.slot_of_row + lane_id() * kLoneChunkRows));
    weighed_ = true;
  }

  // A warp packs some of the blocks of inputs that its warpgroup will read.
  template <typename Values>
  __device__ void pack(std::uint8_t* row, float* scales, std::int64_t inputs, const Values& values) const {
    const int lane = lane_id();
    for (int block = warp_id() % 4 * kLoneGroups + warpgroup(); block < inputs / kBlockInputs;
         block += kLoneGroups * 4) {
      const float4 four = values(block * kBlockInputs + 4 * lane);
      const unsigned largest = largest_bits(four);
      const int exponent = e4m3_exponent(largest);
      *reinterpret_cast<std::uint32_t*>(row + block * kBlockInputs + 4 * lane) =
          four_e4m3(scaled(four, power(-exponent)));
      if (lane == 0) scales[block] = e4m3_scale(largest, exponent);
    }
    fence_stores();
    asm volatile("bar.sync %0, %1;" ::"r"(1 + warpgroup()), "n"(kWarpgroupThreads) : "memory");
  }

  __device__ void pack_x() const {
    pack(memory_ + at_.x, reinterpret_cast<float*>(memory_ + at_.x_scales), work_.channels,
         [&](int input) { return __ldcg(reinterpret_cast<const float4*>(work_.x + input)); });
  }

  __device__ void pack_activated(int item, std::uint8_t* row, float* scales) const {
    const float* gates = work_.gate + item * work_.expert_dim;
    const float* ups = work_.up + item * work_.expert_dim;
    const float weight = __shfl_sync(kAllLanes, weight_, item);
    pack(row, scales, work_.expert_dim, [&](int input) {
      float4 gate;
      float4 up;
      await([&] {
        gate = read_there(gates + input);
        up = read_there(ups + input);
        return is_there(gate) && is_there(up);
      });
      return swiglu(gate, up, work_.limit, weight);
    });
  }

  const LoneExperts& work_;
  const LoneShape shape_;
  std::uint8_t* const memory_;
  const LonePlaces at_;
  const int up_tiles_;  // of an item: w1's, then w3's
  const int down_tiles_;
  const int groups_;
  const int up_item_;  // of the group
  const int down_item_;
  const int up_tile_;
  const int down_tile_;
  const std::uint32_t full_;
  const std::uint32_t empty_;
  const std::uint32_t known_;
  const std::uint8_t* magnitudes_ = nullptr;
  const std::uint8_t* next_ = nullptr;  // to be copied
  int item_count_ = 0;
  int expert_ = kNoExpert;
  float weight_ = 0.0F;
  bool weighed_ = false;
};

#endif

}  // namespace fathom::cuda
