// A block has the same 128 channels of all four streams, which are one lane's pieces (deep_sum.cuh), and keeps their
// weights. Sixteen tokens at a time pass through a ring of stages: the copy engine brings the old streams; mixers write
// the new ones to memory and, in the old ones' place, to summers, each of which has one stream's pieces for eight
// outputs; mixers add the streams' pieces in order.
#pragma once

#include "fathom/backends/cuda/kernels/deep_tile.cuh"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/mix_and_sum.h"
#include "fathom/backends/cuda/kernels/pipeline.cuh"
#include "fathom/backends/cuda/kernels/sinkhorn.cuh"
#include "fathom/backends/cuda/kernels/slot_sum.cuh"

namespace fathom::cuda::mix_and_sum {

using deep_rows::kFours;

constexpr int kOutputs = (2 + kFourStreams) * kFourStreams;
constexpr int kLanes = 32;            // a row's pieces: so many of each stream
constexpr int kRows = 16;             // of a stage
constexpr int kStages = 4;            // one is mixed, one summed, two are on their way
constexpr int kOwnOutputs = 4;        // of a summer's thread
constexpr int kSummerOutputs = 8;     // of a summer
constexpr int kSummers = kFourStreams * kOutputs / kSummerOutputs;
constexpr int kMixers = 4;
constexpr int kMixerRows = kRows / kMixers;
constexpr int kThreads = (kSummers + kMixers) * kWarp;
constexpr int kMostSlots = kWarp / kMixerRows;
constexpr int kSums = 2;              // stages whose pieces' sums wait for a mixer
constexpr int kSumsRow = 26;          // sixteen rows of two outputs lie in all banks
constexpr int kTokenFours = kFourStreams * kLanes * kFours;

// Lines of a piece: rows of each stream, rows of y; then rows' comb, rows' post.
constexpr int kLines = (kFourStreams + 1) * kRows;
constexpr int kComb = kLines * kFours;
constexpr int kPost = kComb + kRows * kFourStreams;
constexpr int kStageFours = kPost + kRows;
constexpr int kRowBytes = (kFourStreams + 1) * kFours * 16 + kFourStreams * 16 + 16;

struct Shared {
  float4 stages[kStages][kStageFours];
  float4 weights[kFourStreams * kOutputs * kFours];
  float sums[kSums][kFourStreams][kRows][kSumsRow];
  std::uint64_t loaded[kStages][kMixers];
  std::uint64_t mixed[kStages];
  std::uint64_t summed[kStages];
};

// What a block goes through, the last tokens first: what is written last is read first (collapse_rows).
struct Turns {
  std::int64_t last;  // chunk
  std::int64_t step;
  int count;

  __device__ explicit Turns(std::int64_t tokens) {
    const std::int64_t chunks = (tokens + kRows - 1) / kRows;
    step = gridDim.x / kLanes;
    last = chunks - 1 - blockIdx.x / kLanes;
    count = last < 0 ? 0 : static_cast<int>(last / step) + 1;
  }
  __device__ std::int64_t first_token(int turn) const { return (last - turn * step) * kRows; }
};

__device__ inline std::uint32_t parity_of(int turn) { return turn / kStages % 2; }

// A warp with one stream's pieces of sixteen rows for eight outputs.
__device__ inline void sum_turns(Shared& shared, const Turns& turns) {
  const int stream = warp_id() % kFourStreams;
  const int own_row = lane_id() / 4 % 4;
  const int own_output = warp_id() / kFourStreams * kSummerOutputs + lane_id() / 16;
  const float4* weights = shared.weights + stream * kOutputs * kFours;
  for (int turn = 0; turn < turns.count; ++turn) {
    const int stage = turn % kStages;
    barrier_wait(shared_address(&shared.mixed[stage]), parity_of(turn));
    deep_rows::Tile<kOwnOutputs> tile;
    sum_leaves<0, 1>(
        deep_rows::OwnLines(shared.stages[stage] + stream * kRows * kFours, own_row, weights, own_output), tile);
    float piece[kOwnOutputs];
    join_lanes(tile, piece);
    float* sums = &shared.sums[turn % kSums][stream][own_row + lane_id() % 4 * 4][own_output];
#pragma unroll
    for (int output = 0; output < kOwnOutputs; ++output) sums[2 * output] = piece[output];
    __syncwarp();
    if (lane_id() == 0) barrier_arrive(shared_address(&shared.summed[stage]));
  }
}

// A warp with four rows of every stage. `lane` is the block's.
struct Mixer {
  const MixAndSumKernel& args;
  Shared& shared;
  const Turns& turns;
  int mixer;  // of all
  int lane;

  __device__ std::int64_t own_token(int turn) const { return turns.first_token(turn) + mixer * kMixerRows; }
  __device__ int own_rows(int turn) const {
    const std::int64_t rest = args.mixed.tokens - own_token(turn);
    return static_cast<int>(min(max(rest, std::int64_t{0}), std::int64_t{kMixerRows}));
  }

  // A lane a line, and one each for comb and post.
  __device__ void load(int turn) const {
    const int rows = own_rows(turn);
    const std::int64_t token = own_token(turn);
    const int first_row = mixer * kMixerRows;
    float4* stage = shared.stages[turn % kStages];
    const std::uint32_t barrier = shared_address(&shared.loaded[turn % kStages][mixer]);
    expect_bytes(barrier, static_cast<std::uint32_t>(rows * kRowBytes), lane_id());
    __syncwarp();
    const auto copy = [&](const float* from, int to, int bytes) {
      copy_bytes(shared_address(stage + to), reinterpret_cast<const std::uint8_t*>(from),
                 static_cast<std::uint32_t>(bytes), barrier, 0);
    };
    if (rows == 0) return;
    constexpr int kOwnLines = (kFourStreams + 1) * kMixerRows;
    const int line = lane_id() / kMixerRows;
    const int row = lane_id() % kMixerRows;
    if (lane_id() < kOwnLines && row < rows) {
      const std::int64_t streams = line < kFourStreams ? kFourStreams : 1;
      const float* from = line < kFourStreams ? args.mixed.x : args.mixed.y;
      const std::int64_t row_of = (token + row) * streams + (line < kFourStreams ? line : 0);
      copy(from + (row_of * kLanes + lane) * kDeepPiece, (line * kRows + first_row + row) * kFours, kFours * 16);
    }
    if (lane_id() == kOwnLines)
      copy(args.mixed.comb + token * kFourStreams * kFourStreams, kComb + first_row * kFourStreams,
           rows * kFourStreams * 16);
    if (lane_id() == kOwnLines + 1) copy(args.mixed.post + token * kFourStreams, kPost + first_row, rows * 16);
  }

  // The experts' row of each slot, a lane a slot; -1: none. Asked for a turn ahead, so that they are near.
  __device__ int rows_of_slots(int turn) const {
    const ExpertSum& of = args.mixed.before;
    const int slot = lane_id() % kMostSlots;
    const int row = lane_id() / kMostSlots;
    if (turn >= turns.count || slot >= of.slots || row >= own_rows(turn)) return -1;
    const int found = of.row_of_slot[(own_token(turn) + row) * of.slots + slot];
    if (found >= 0) {
      const float* rows = of.rows + (std::int64_t{found} * kLanes + lane) * kDeepPiece;
      send_for_bytes(reinterpret_cast<const std::uint8_t*>(rows), kFours * 16, 0);
    }
    return found;
  }

  struct Slots {
    int rows[kMostSlots];
    float4 values[kMostSlots];

    // In the order of sum_of_slots.
    __device__ float4 sum() const {
      float4 total = {};
#pragma unroll
      for (int slot = 0; slot < kMostSlots; ++slot)
        if (rows[slot] >= 0) total = added(total, values[slot]);
      return total;
    }
  };
  __device__ void ask_for(int row, int rows_of_lanes, Slots& slots) const {
    const auto* rows = reinterpret_cast<const float4*>(args.mixed.before.rows) + lane * kFours + lane_id();
#pragma unroll
    for (int slot = 0; slot < kMostSlots; ++slot) {
      slots.rows[slot] = __shfl_sync(kAllLanes, rows_of_lanes, row * kMostSlots + slot);
      if (slots.rows[slot] >= 0) slots.values[slot] = rows[std::int64_t{slots.rows[slot]} * kLanes * kFours];
    }
  }

  // As expand_fours; a product that is added to nothing is rounded once too where both are one instruction.
  __device__ void mix(float4* stage, int row, const float4& before, float4* x) const {
    float4 old[kFourStreams];
    float4 comb[kFourStreams];
#pragma unroll
    for (int from = 0; from < kFourStreams; ++from) {
      old[from] = stage[(from * kRows + row) * kFours + lane_id()];
      comb[from] = stage[kComb + row * kFourStreams + from];
    }
    float4 y = stage[(kFourStreams * kRows + row) * kFours + lane_id()];
    const float4 post = stage[kPost + row];
    if (args.mixed.before.rows != nullptr) y = added(before, y);
    __syncwarp();
    const auto write = [&](int to, float post_of, float first, float second, float third, float fourth) {
      const auto mixed_of = [&](float a, float b, float c, float d, float value) {
        const float sum = fmaf(first, a, 0.0F) + second * b + third * c + fourth * d;
        return post_of * value + sum;
      };
      const float4 mixed = {mixed_of(old[0].x, old[1].x, old[2].x, old[3].x, y.x),
                            mixed_of(old[0].y, old[1].y, old[2].y, old[3].y, y.y),
                            mixed_of(old[0].z, old[1].z, old[2].z, old[3].z, y.z),
                            mixed_of(old[0].w, old[1].w, old[2].w, old[3].w, y.w)};
      x[to * kLanes * kFours] = mixed;
      stage[deep_rows::place_of(to * kRows + row, lane_id())] = mixed;
    };
    write(0, post.x, comb[0].x, comb[1].x, comb[2].x, comb[3].x);
    write(1, post.y, comb[0].y, comb[1].y, comb[2].y, comb[3].y);
    write(2, post.z, comb[0].z, comb[1].z, comb[2].z, comb[3].z);
    write(3, post.w, comb[0].w, comb[1].w, comb[2].w, comb[3].w);
  }

  // The lane's sums of a turn, by all mixers.
  __device__ void join(int turn) const {
    barrier_wait(shared_address(&shared.summed[turn % kStages]), parity_of(turn));
    const std::int64_t first = turns.first_token(turn);
    float* out = args.lanes + (lane * args.mixed.tokens + first) * kOutputs;
    const auto values = static_cast<int>(min(args.mixed.tokens - first, std::int64_t{kRows})) * kOutputs;
    for (int value = mixer * kWarp + lane_id(); value < values; value += kMixers * kWarp) {
      float sum = 0.0F;
#pragma unroll
      for (int stream = 0; stream < kFourStreams; ++stream)
        sum += shared.sums[turn % kSums][stream][value / kOutputs][value % kOutputs];
      out[value] = sum;
    }
  }

  template <bool kSlots>
  __device__ void run() const {
    for (int turn = 0; turn < min(kStages, turns.count); ++turn) load(turn);
    int rows_of_lanes = kSlots ? rows_of_slots(0) : -1;
    for (int turn = 0; turn < turns.count; ++turn) {
      if (turn >= kSums) {
        join(turn - kSums);
        if (turn + kStages - kSums < turns.count) load(turn + kStages - kSums);
      }
      const int next_rows = kSlots ? rows_of_slots(turn + 1) : -1;
      Slots slots;
      if constexpr (kSlots) ask_for(0, rows_of_lanes, slots);
      const int stage = turn % kStages;
      const int rows = own_rows(turn);
      auto* x = reinterpret_cast<float4*>(args.mixed.x) + own_token(turn) * kTokenFours + lane * kFours + lane_id();
      barrier_wait(shared_address(&shared.loaded[stage][mixer]), parity_of(turn));
#pragma unroll
      for (int row = 0; row < kMixerRows; ++row) {
        float4 before = {};
        if constexpr (kSlots) {
          before = slots.sum();
          if (row + 1 < kMixerRows) ask_for(row + 1, rows_of_lanes, slots);
        }
        if (row < rows) mix(shared.stages[stage], mixer * kMixerRows + row, before, x + row * kTokenFours);
      }
      rows_of_lanes = next_rows;
      fence_stores();
      __syncwarp();
      if (lane_id() == 0) barrier_arrive(shared_address(&shared.mixed[stage]));
    }
    for (int turn = max(turns.count - kSums, 0); turn < turns.count; ++turn) join(turn);
  }
};

template <bool kSlots>
__global__ void __launch_bounds__(kThreads, 1) mix_and_sum(const __grid_constant__ MixAndSumKernel args) {
  if constexpr (kHasCopyEngine) {
    extern __shared__ __align__(128) std::uint8_t memory[];
    Shared& shared = *reinterpret_cast<Shared*>(memory);
    const int lane = static_cast<int>(blockIdx.x % kLanes);
    if (threadIdx.x == 0) {
      for (int stage = 0; stage < kStages; ++stage) {
        for (int mixer = 0; mixer < kMixers; ++mixer) barrier_init(shared_address(&shared.loaded[stage][mixer]), 1);
        barrier_init(shared_address(&shared.mixed[stage]), kMixers);
        barrier_init(shared_address(&shared.summed[stage]), kSummers);
      }
      fence_barriers();
    }
    for (int place = static_cast<int>(threadIdx.x); place < kFourStreams * kOutputs * kFours; place += kThreads) {
      const int line = place / kFours;
      const int piece = line / kOutputs * kLanes + lane;
      const auto* weight = reinterpret_cast<const float4*>(args.weight) + line % kOutputs * kTokenFours;
      shared.weights[deep_rows::place_of(line, place % kFours)] = weight[piece * kFours + place % kFours];
    }
    let_later_kernels_begin();
    __syncthreads();
    wait_for_earlier_kernels();
    const Turns turns(args.mixed.tokens);
    if (warp_id() < kSummers) return sum_turns(shared, turns);
    const Mixer mixer = {.args = args, .shared = shared, .turns = turns, .mixer = warp_id() - kSummers, .lane = lane};
    mixer.run<kSlots>();
  }
}

}  // namespace fathom::cuda::mix_and_sum
