// A block has the same 128 channels of all four streams, which are one lane's pieces (deep_sum.cuh), and keeps their
// weights. Sixteen tokens at a time pass through shared memory. The copy engine brings old streams into a ring of
// stages, and what is mixed in beside them; each warp mixes one token, for memory and, in the old streams' place, for
// the sums of the turn to come. Twelve warps then have a stream's pieces for eight outputs each; four others add these
// pieces in order and send for more.
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
constexpr int kLanes = 32;  // a row's pieces: so many of each stream
constexpr int kRows = 16;   // of a stage, one a warp
constexpr int kThreads = kRows * kWarp;
constexpr int kOwnOutputs = 4;     // of a summing thread
constexpr int kSummerOutputs = 8;  // of a summing warp
constexpr int kSummers = kFourStreams * kOutputs / kSummerOutputs;
constexpr int kHelpers = kRows - kSummers;
constexpr int kHelperRows = kRows / kHelpers;
constexpr int kMostSlots = 6;
constexpr int kSums = 3;      // turns whose pieces' sums wait for a helper, who mixes one more first
constexpr int kSumsRow = 26;  // sixteen rows of two outputs lie in all banks
constexpr int kPieceBytes = kFours * 16;
constexpr int kTokenFours = kFourStreams * kLanes * kFours;

// A stage: rows' pieces of each stream, rows' comb, rows' post.
constexpr int kComb = kFourStreams * kRows * kFours;
constexpr int kPost = kComb + kRows * kFourStreams;
constexpr int kStageFours = kPost + kRows;
constexpr int kRowBytes = kFourStreams * kPieceBytes + kFourStreams * 16 + 16;

template <bool kSlots>
struct Shared {
  static constexpr int kStages = kSlots ? 3 : 4;  // one is summed, one mixed, the others are on their way
  static constexpr int kBeside = kSlots ? kMostSlots : 0;

  float4 stages[kStages][kStageFours];
  float4 weights[kFourStreams * kOutputs * kFours];
  float4 beside[kRows][kBeside + 1][kFours];  // slots, then y
  float sums[kSums][kFourStreams][kRows][kSumsRow];
  std::uint64_t loaded[kStages][kHelpers];
  std::uint64_t beside_loaded[kRows];
  std::uint64_t mixed[kStages];
  std::uint64_t summed[kStages];
};

// What a block goes through, the last tokens first: what is written last is read first (collapse_rows).
struct Turns {
  std::int64_t last;  // of its sixteens
  std::int64_t step;
  int count;

  __device__ explicit Turns(std::int64_t tokens) {
    step = gridDim.x / kLanes;
    last = (tokens + kRows - 1) / kRows - 1 - blockIdx.x / kLanes;
    count = last < 0 ? 0 : static_cast<int>(last / step) + 1;
  }
  __device__ std::int64_t first_token(int turn) const { return (last - turn * step) * kRows; }
};

template <bool kSlots>
struct Block {
  using Memory = Shared<kSlots>;
  static constexpr int kStages = Memory::kStages;

  const MixAndSumKernel& args;
  Memory& shared;
  const Turns turns;
  const int lane;  // of joined_pieces

  __device__ static std::uint32_t parity_of(int turn) { return turn / kStages % 2; }
  __device__ static void copy(const float* from, float4* to, int bytes, std::uint32_t barrier) {
    copy_bytes(shared_address(to), reinterpret_cast<const std::uint8_t*>(from), static_cast<std::uint32_t>(bytes),
               barrier, 0);
  }
  // The block's 128 channels of a row of 4,096.
  __device__ const float* piece_of(const float* rows, std::int64_t row) const {
    return rows + (row * kLanes + lane) * kDeepPiece;
  }

  // Four rows of a stage by a helper: a lane a stream of a row, one each for comb and post.
  __device__ void load(int turn) const {
    const int helper = warp_id() - kSummers;
    const int first_row = helper * kHelperRows;
    const std::int64_t token = turns.first_token(turn) + first_row;
    const std::int64_t rest = args.mixed.tokens - token;
    const int rows = static_cast<int>(min(max(rest, std::int64_t{0}), std::int64_t{kHelperRows}));
    float4* stage = shared.stages[turn % kStages];
    const std::uint32_t barrier = shared_address(&shared.loaded[turn % kStages][helper]);
    expect_bytes(barrier, static_cast<std::uint32_t>(rows * kRowBytes), lane_id());
    __syncwarp();
    if (rows == 0) return;
    constexpr int kLines = kFourStreams * kHelperRows;
    const int stream = lane_id() / kHelperRows;
    const int row = lane_id() % kHelperRows;
    if (lane_id() < kLines && row < rows)
      copy(piece_of(args.mixed.x, (token + row) * kFourStreams + stream),
           stage + (stream * kRows + first_row + row) * kFours, kPieceBytes, barrier);
    if (lane_id() == kLines)
      copy(args.mixed.comb + token * kFourStreams * kFourStreams, stage + kComb + first_row * kFourStreams,
           rows * kFourStreams * 16, barrier);
    if (lane_id() == kLines + 1)
      copy(args.mixed.post + token * kFourStreams, stage + kPost + first_row, rows * 16, barrier);
  }

  __device__ std::int64_t own_token(int turn) const { return turns.first_token(turn) + warp_id(); }
  __device__ bool has_token(int turn) const { return turn < turns.count && own_token(turn) < args.mixed.tokens; }

  // Where an expert has left the row of the token's slot, a lane a slot; -1: nowhere.
  __device__ int slot_of(int turn) const {
    const ExpertSum& of = args.mixed.before;
    if (!kSlots || !has_token(turn) || lane_id() >= of.slots) return -1;
    return of.row_of_slot[own_token(turn) * of.slots + lane_id()];
  }

  // What is mixed in for the warp's token; which slots there are.
  __device__ unsigned send_for_beside(int turn, int slot) const {
    const unsigned slots = __ballot_sync(kAllLanes, slot >= 0);
    if (turn >= turns.count) return 0;
    const std::uint32_t barrier = shared_address(&shared.beside_loaded[warp_id()]);
    const int pieces = has_token(turn) ? __popc(slots) + 1 : 0;
    expect_bytes(barrier, static_cast<std::uint32_t>(pieces * kPieceBytes), lane_id());
    __syncwarp();
    if (pieces == 0) return 0;
    float4(*beside)[kFours] = shared.beside[warp_id()];
    if (slot >= 0) copy(piece_of(args.mixed.before.rows, slot), beside[lane_id()], kPieceBytes, barrier);
    if (lane_id() == kWarp - 1)
      copy(piece_of(args.mixed.y, own_token(turn)), beside[Memory::kBeside], kPieceBytes, barrier);
    return slots;
  }

  // y on top of its slots in order (sum_of_slots).
  __device__ float4 mixed_in(unsigned slots) const {
    const float4(*beside)[kFours] = shared.beside[warp_id()];
    const float4 y = beside[Memory::kBeside][lane_id()];
    if constexpr (!kSlots) return y;
    float4 total = {};
#pragma unroll
    for (int slot = 0; slot < Memory::kBeside; ++slot)
      if ((slots >> slot & 1) != 0) total = added(total, beside[slot][lane_id()]);
    return added(total, y);
  }

  // As expand_fours: a product that is added to nothing is rounded once as well where both are one instruction.
  __device__ void mix(int turn, unsigned slots) const {
    const int row = warp_id();
    float4* stage = shared.stages[turn % kStages];
    barrier_wait(shared_address(&shared.loaded[turn % kStages][row / kHelperRows]), parity_of(turn));
    if (has_token(turn)) {
      barrier_wait(shared_address(&shared.beside_loaded[row]), turn % 2);
      const float4 y = mixed_in(slots);
      float4 old[kFourStreams];
      float4 comb[kFourStreams];
#pragma unroll
      for (int from = 0; from < kFourStreams; ++from) {
        old[from] = stage[(from * kRows + row) * kFours + lane_id()];
        comb[from] = stage[kComb + row * kFourStreams + from];
      }
      const float4 post = stage[kPost + row];
      __syncwarp();
      auto* x = reinterpret_cast<float4*>(args.mixed.x) + own_token(turn) * kTokenFours + lane * kFours + lane_id();
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
    fence_stores();
    __syncwarp();
    if (lane_id() == 0) barrier_arrive(shared_address(&shared.mixed[turn % kStages]));
  }

  // One stream's pieces of sixteen rows for eight outputs.
  __device__ void sum(int turn) const {
    const int stage = turn % kStages;
    const int stream = warp_id() % kFourStreams;
    const int own_row = lane_id() / 4 % 4;
    const int own_output = warp_id() / kFourStreams * kSummerOutputs + lane_id() / 16;
    barrier_wait(shared_address(&shared.mixed[stage]), parity_of(turn));
    deep_rows::Tile<kOwnOutputs> tile;
    sum_leaves<0, 1>(deep_rows::OwnLines(shared.stages[stage] + stream * kRows * kFours, own_row,
                                         shared.weights + stream * kOutputs * kFours, own_output),
                     tile);
    float piece[kOwnOutputs];
    join_lanes(tile, piece);
    float* sums = &shared.sums[turn % kSums][stream][own_row + lane_id() % 4 * 4][own_output];
#pragma unroll
    for (int output = 0; output < kOwnOutputs; ++output) sums[2 * output] = piece[output];
    __syncwarp();
    if (lane_id() == 0) barrier_arrive(shared_address(&shared.summed[stage]));
  }

  // The lane's sums of a turn, by all helpers.
  __device__ void join(int turn) const {
    barrier_wait(shared_address(&shared.summed[turn % kStages]), parity_of(turn));
    const std::int64_t first = turns.first_token(turn);
    float* out = args.lanes + (lane * args.mixed.tokens + first) * kOutputs;
    const auto values = static_cast<int>(min(args.mixed.tokens - first, std::int64_t{kRows})) * kOutputs;
    for (int value = static_cast<int>(threadIdx.x) - kSummers * kWarp; value < values; value += kHelpers * kWarp) {
      float sum = 0.0F;
#pragma unroll
      for (int stream = 0; stream < kFourStreams; ++stream)
        sum += shared.sums[turn % kSums][stream][value / kOutputs][value % kOutputs];
      out[value] = sum;
    }
  }

  // What a warp mixes it has sent for a turn ahead.
  __device__ void run() const {
    const bool helps = warp_id() >= kSummers;
    if (helps)
      for (int turn = 0; turn < min(kStages, turns.count); ++turn) load(turn);
    unsigned slots = send_for_beside(0, slot_of(0));
    int next_slot = slot_of(1);
    for (int turn = -1; turn < turns.count; ++turn) {
      if (turn + 1 < turns.count) {
        mix(turn + 1, slots);
        slots = send_for_beside(turn + 2, next_slot);
        next_slot = slot_of(turn + 3);
      }
      if (turn < 0) continue;
      if (!helps) {
        sum(turn);
      } else if (turn > 0) {
        join(turn - 1);
        if (turn - 1 + kStages < turns.count) load(turn - 1 + kStages);
      }
    }
    if (helps && turns.count > 0) join(turns.count - 1);
  }
};

template <bool kSlots>
__global__ void __launch_bounds__(kThreads, 1) mix_and_sum(const __grid_constant__ MixAndSumKernel args) {
  if constexpr (kHasCopyEngine) {
    extern __shared__ __align__(128) std::uint8_t memory[];
    auto& shared = *reinterpret_cast<Shared<kSlots>*>(memory);
    const int lane = static_cast<int>(blockIdx.x % kLanes);
    if (threadIdx.x == 0) {
      for (int row = 0; row < kRows; ++row) barrier_init(shared_address(&shared.beside_loaded[row]), 1);
      for (int stage = 0; stage < Shared<kSlots>::kStages; ++stage) {
        for (int helper = 0; helper < kHelpers; ++helper)
          barrier_init(shared_address(&shared.loaded[stage][helper]), 1);
        barrier_init(shared_address(&shared.mixed[stage]), kRows);
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
    Block<kSlots>{.args = args, .shared = shared, .turns = Turns(args.mixed.tokens), .lane = lane}.run();
  }
}

}  // namespace fathom::cuda::mix_and_sum
