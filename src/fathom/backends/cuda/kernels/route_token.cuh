// The gate's choice of a token's experts.
#pragma once

#include "fathom/backends/cuda/kernels/ranks.cuh"
#include "fathom/backends/cuda/kernels/released.cuh"
#include "fathom/backends/cuda/kernels/route.h"

namespace fathom::cuda {

constexpr Rank kNoRank = ~Rank{0};

__device__ inline Rank warp_best(Rank rank) {
  const auto score = static_cast<unsigned>(rank >> 32);
  const unsigned best = __reduce_min_sync(kAllLanes, score);
  const unsigned index = __reduce_min_sync(kAllLanes, score == best ? static_cast<unsigned>(rank) : ~0U);
  return static_cast<Rank>(best) << 32 | index;
}

// Best first: every round takes the best that is worse than the last one.
__device__ inline void take_best(const RouteKernel& args, const float* scores, int* chosen) {
  Rank last = 0;
  for (std::int64_t slot = 0; slot < args.chosen; ++slot) {
    Rank best = kNoRank;
    for (std::int64_t expert = lane_id(); expert < args.experts; expert += kWarp) {
      const Rank rank = rank_of(scores[expert] + args.bias[expert], static_cast<unsigned>(expert));
      if ((slot == 0 || rank > last) && rank < best) best = rank;
    }
    last = warp_best(best);
    if (lane_id() == 0) chosen[slot] = static_cast<int>(index_of(last));
  }
}

constexpr int kHeld = 8;   // experts of a lane, in registers
constexpr int kQuick = 8;  // chosen at most, where lanes have one each

// The least of some, without a chain through all of them.
template <int kCount>
__device__ inline Rank least(const Rank* ranks) {
  if constexpr (kCount == 1) {
    return ranks[0];
  } else {
    return min(least<kCount / 2>(ranks), least<kCount / 2>(ranks + kCount / 2));
  }
}

// The same of up to 256 experts: `biases` has those of this lane, and the best is struck out after its round. Lane
// `slot` has the slot's expert.
__device__ inline int take_best_held(const RouteKernel& args, const float* scores, const float (&biases)[kHeld]) {
  Rank ranks[kHeld];
#pragma unroll
  for (int held = 0; held < kHeld; ++held) {
    const int expert = held * kWarp + lane_id();
    ranks[held] =
        expert < args.experts ? rank_of(scores[expert] + biases[held], static_cast<unsigned>(expert)) : kNoRank;
  }
  int chosen = 0;
#pragma unroll 1
  for (int slot = 0; slot < static_cast<int>(args.chosen); ++slot) {
    const Rank best = warp_best(least<kHeld>(ranks));
#pragma unroll
    for (Rank& rank : ranks) rank = rank == best ? kNoRank : rank;
    if (lane_id() == slot) chosen = static_cast<int>(index_of(best));
  }
  return chosen;
}

// A hash layer's expert, as its table has it.
__device__ inline int hashed_expert(const RouteKernel& args, std::int64_t token, std::int64_t slot) {
  return args.hash[args.ids[token] * args.chosen + slot];
}
__device__ inline int existing_expert(const RouteKernel& args, int expert) {
  if (expert >= 0 && expert < args.experts) return expert;
  *args.fault = {FaultCode::hashed_expert, expert, args.experts};
  return 0;
}

// A hash layer's experts, in the table's order.
__device__ inline void take_hashed(const RouteKernel& args, std::int64_t token, int* chosen) {
  for (std::int64_t slot = lane_id(); slot < args.chosen; slot += kWarp)
    chosen[slot] = existing_expert(args, hashed_expert(args, token, slot));
}

// A token's weights from its experts, by a warp.
__device__ inline void weigh(const RouteKernel& args, std::int64_t token, const float* scores, const int* chosen) {
  __syncwarp();
  float sum = 0.0F;  // in order of rank, or of the hash row
  for (std::int64_t slot = 0; slot < args.chosen; ++slot) sum += scores[chosen[slot]];
  sum += 1e-20F;
  for (std::int64_t slot = lane_id(); slot < args.chosen; slot += kWarp) {
    const int expert = chosen[slot];
    std::int64_t place = 0;  // ascending; equal experts, which no table should have, keep their order
    for (std::int64_t other = 0; other < args.chosen; ++other)
      if (chosen[other] < expert || (chosen[other] == expert && other < slot)) ++place;
    args.selected[token * args.chosen + place] = expert;
    args.weights[token * args.chosen + place] = scores[expert] / sum * args.route_scale;
  }
}

// A warp chooses for a token from its scores.
__device__ inline void choose(const RouteKernel& args, std::int64_t token, const float* scores, int* chosen) {
  if (args.hash == nullptr) {
    take_best(args, scores, chosen);
  } else {
    take_hashed(args, token, chosen);
  }
  weigh(args, token, scores, chosen);
}

// The same of up to kQuick experts, a lane each in the order that they were chosen in; `ordered` has them ascending.
__device__ inline void weigh_quickly(const RouteKernel& args, std::int64_t token, const float* scores, int expert,
                                     int* ordered) {
  const auto chosen = static_cast<int>(args.chosen);
  const bool own = lane_id() < chosen;
  const float score = own ? scores[expert] : 0.0F;
  float sum = 0.0F;
  int place = 0;
#pragma unroll
  for (int other = 0; other < kQuick; ++other) {
    const float score_of_other = __shfl_sync(kAllLanes, score, other);
    const int expert_of_other = __shfl_sync(kAllLanes, expert, other);
    if (other >= chosen) continue;
    sum += score_of_other;
    if (expert_of_other < expert || (expert_of_other == expert && other < lane_id())) ++place;
  }
  sum += 1e-20F;
  if (!own) return;
  ordered[place] = expert;
  args.selected[token * chosen + place] = expert;
  args.weights[token * chosen + place] = score / sum * args.route_scale;
}

// A token's choice, by a block of eight warps or more: they share the scores, and the first one chooses. Before it
// waits it has fetched its biases, or the experts that the table has for the block's first token: neither is a kernel's
// work. `shared`: experts and chosen floats.
class RouteToken {
 public:
  __device__ RouteToken(const RouteKernel& args, float* shared, std::int64_t first) : args_(args), shared_(shared) {
    if (warp_id() != 0 || first >= args.tokens) return;
    if (args.hash != nullptr) {
      if (lane_id() < args.chosen) hashed_ = hashed_expert(args, first, lane_id());
    } else if (args.experts <= kHeld * kWarp) {
#pragma unroll
      for (int index = 0; index < kHeld; ++index)
        if (index * kWarp + lane_id() < args.experts) biases_[index] = args.bias[index * kWarp + lane_id()];
    }
    first_ = first;
  }

  // Behind the wait.
  __device__ void run(std::int64_t token) const {
    for (std::int64_t expert = threadIdx.x; expert < args_.experts; expert += blockDim.x)
      shared_[expert] = released_routing_score(args_.logits[token * args_.experts + expert]);
    __syncthreads();
    if (warp_id() != 0) return;
    if (!quick()) return choose(args_, token, shared_, ordered());
    int expert = 0;
    if (args_.hash == nullptr) {
      expert = take_best_held(args_, shared_, biases_);
    } else if (lane_id() < args_.chosen) {
      expert = existing_expert(args_, token == first_ ? hashed_ : hashed_expert(args_, token, lane_id()));
    }
    weigh_quickly(args_, token, shared_, expert, ordered());
  }

  // The expert of a slot of the token that the first warp has just chosen for, for that warp.
  __device__ int expert_of(std::int64_t token, int slot) const {
    return quick() ? ordered()[slot] : args_.selected[token * args_.chosen + slot];
  }

 private:
  __device__ bool quick() const {
    return args_.chosen <= kQuick && (args_.hash != nullptr || args_.experts <= kHeld * kWarp);
  }
  // Of the last token: its experts ascending, if it was quick.
  __device__ int* ordered() const { return reinterpret_cast<int*>(shared_ + args_.experts); }

  const RouteKernel& args_;
  float* shared_;
  std::int64_t first_ = 0;
  int hashed_ = 0;
  float biases_[kHeld] = {};
};

}  // namespace fathom::cuda
