// The best of many scores, exactly, in levels: a block finds the best of up to 8,192 ranks in shared memory; what the
// blocks of a token leave is the next level's. All ranks of a token differ, so that its best are one set and one order.
#include "fathom/backends/cuda/kernels/index.h"
#include "fathom/backends/cuda/kernels/launch.cuh"
#include "fathom/backends/cuda/kernels/ranks.cuh"
#include "fathom/backends/cuda/kernels/threads.cuh"
#include "fathom/backends/cuda/kernels/top_k_counted.cuh"

namespace fathom::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kBins = 2048;
constexpr int kFew = 512;  // ranks that are sorted as they are: a search would take longer
constexpr int kBinBits = 11;

// One level: reads scores or the candidates of the level before.
struct Level {
  const RankBits* from;  // null: the scores
  RankBits* to;          // null: the last level, which writes `selected`
  std::int64_t depth;
  std::int64_t parts;  // blocks a token
};

__device__ std::int64_t candidates_of(std::int64_t count, std::int64_t top_k) {
  const std::int64_t rest = count % kTopKPart;
  return count / kTopKPart * top_k + (rest < top_k ? rest : top_k);
}

struct Block {
  RankBits* ranks;   // [up to kTopKPart]
  RankBits* best;    // [power of two >= top_k]
  unsigned* counts;  // [kBins]
  int count;
  int wanted;
};

// Bounds that the search narrows: of the ranks in [low, high], `wanted` belong to the best.
struct Search {
  RankBits low;
  RankBits high;
  int wanted;
  int inside;
};

__device__ void find_bounds(const Block& block, Search& search) {
  if (threadIdx.x == 0) search = {~RankBits{0}, 0, block.wanted, block.count};
  __syncthreads();
  RankBits low = ~RankBits{0};
  RankBits high = 0;
  for (int index = threadIdx.x; index < block.count; index += kThreads) {
    low = min(low, block.ranks[index]);
    high = max(high, block.ranks[index]);
  }
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    low = min(low, __shfl_xor_sync(kAllLanes, low, distance));
    high = max(high, __shfl_xor_sync(kAllLanes, high, distance));
  }
  if (lane_id() == 0) {
    atomicMin(&search.low, low);
    atomicMax(&search.high, high);
  }
  __syncthreads();
}

// The bin that holds the last of the wanted becomes the new bounds.
__device__ void narrow(const Block& block, Search& search, unsigned* warp_sums) {
  const RankBits low = search.low;
  const RankBits high = search.high;
  const int wanted = search.wanted;
  const int bits = 64 - __clzll(static_cast<long long>(high - low));
  const int shift = bits > kBinBits ? bits - kBinBits : 0;
  for (int bin = threadIdx.x; bin < kBins; bin += kThreads) block.counts[bin] = 0;
  __syncthreads();
  for (int index = threadIdx.x; index < block.count; index += kThreads) {
    const RankBits rank = block.ranks[index];
    if (rank >= low && rank <= high) atomicAdd(&block.counts[(rank - low) >> shift], 1U);
  }
  __syncthreads();
  constexpr int kOwn = kBins / kThreads;
  unsigned own = 0;
  for (int bin = 0; bin < kOwn; ++bin) own += block.counts[threadIdx.x * kOwn + bin];
  unsigned before = own;  // sums of the bins up to this thread's, then before them
#pragma unroll
  for (int distance = 1; distance < kWarp; distance *= 2) {
    const unsigned other = __shfl_up_sync(kAllLanes, before, distance);
    if (lane_id() >= distance) before += other;
  }
  if (lane_id() == kWarp - 1) warp_sums[warp_id()] = before;
  __syncthreads();
  before += __reduce_add_sync(kAllLanes, lane_id() < warp_id() ? warp_sums[lane_id()] : 0U) - own;
  for (int bin = 0; bin < kOwn; ++bin) {
    const unsigned here = block.counts[threadIdx.x * kOwn + bin];
    if (before < static_cast<unsigned>(wanted) && before + here >= static_cast<unsigned>(wanted)) {  // one thread
      const RankBits first = low + (static_cast<RankBits>(threadIdx.x * kOwn + bin) << shift);
      const RankBits width = (RankBits{1} << shift) - 1;
      search = {first, high - first < width ? high : first + width, wanted - static_cast<int>(before),
                static_cast<int>(here)};
    }
    before += here;
  }
  __syncthreads();
}

// Gathers the wanted best, in no order.
__device__ void gather(const Block& block, RankBits last, int& taken) {
  if (threadIdx.x == 0) taken = 0;
  __syncthreads();
  for (int index = threadIdx.x; index < block.count; index += kThreads)
    if (block.ranks[index] <= last) block.best[atomicAdd(&taken, 1)] = block.ranks[index];
  __syncthreads();
}

// Ascending, `size` a power of two and at most kThreads: a rank a thread, which meets those of its warp in registers.
// `ranks` has room for kThreads.
__device__ void sort_few(RankBits* ranks, int size) {
  const int own = static_cast<int>(threadIdx.x);
  RankBits rank = own < size ? ranks[own] : ~RankBits{0};
  for (int length = 2; length <= size; length *= 2)
    for (int distance = length / 2; distance > 0; distance /= 2) {
      RankBits other;
      if (distance < kWarp) {
        other = __shfl_xor_sync(kAllLanes, rank, distance);
      } else {
        __syncthreads();
        ranks[own] = rank;
        __syncthreads();
        other = ranks[own ^ distance];
      }
      const bool takes_less = ((own & length) == 0) == ((own & distance) == 0);
      rank = takes_less ? min(rank, other) : max(rank, other);
    }
  __syncthreads();
  ranks[own] = rank;
  __syncthreads();
}

// Ascending, `size` a power of two.
__device__ void sort(RankBits* ranks, int size) {
  for (int length = 2; length <= size; length *= 2)
    for (int distance = length / 2; distance > 0; distance /= 2) {
      for (int pair = threadIdx.x; pair < size / 2; pair += kThreads) {
        const int low = (pair & ~(distance - 1)) * 2 + (pair & (distance - 1));
        const int high = low + distance;
        const bool ascending = (low & length) == 0;
        const RankBits a = ranks[low];
        const RankBits b = ranks[high];
        if ((a > b) == ascending) {
          ranks[low] = b;
          ranks[high] = a;
        }
      }
      __syncthreads();
    }
}

// `ranks` has room for kThreads.
__device__ void sort_any(RankBits* ranks, int size) {
  if (size <= kThreads) {
    sort_few(ranks, size);
  } else {
    sort(ranks, size);
  }
}

__device__ int power_of_two_from(int count) { return count <= 1 ? 1 : 1 << (32 - __clz(count - 1)); }

__device__ void write_selected(const TopKKernel& args, std::int64_t token, const RankBits* best, int wanted) {
  for (int slot = threadIdx.x; slot < static_cast<int>(args.top_k); slot += kThreads)
    args.selected[token * args.top_k + slot] = slot < wanted ? static_cast<std::int32_t>(index_of(best[slot])) : -1;
}

__global__ void __launch_bounds__(kThreads) top_k(const __grid_constant__ TopKKernel args, Level level, int held) {
  begin_in_turn();
  extern __shared__ __align__(16) unsigned char shared[];
  __shared__ Search search;
  __shared__ unsigned warp_sums[kThreads / kWarp];
  __shared__ int taken;
  const std::int64_t query = blockIdx.x / level.parts;
  const std::int64_t part = blockIdx.x % level.parts;
  const std::int64_t token = args.first + query;
  const PlacedRun& run = args.runs[args.runs.run_of_row(token)];
  std::int64_t all = (run.start + token - run.first_row + 1) / args.ratio;
  for (std::int64_t depth = 0; depth < level.depth; ++depth) all = candidates_of(all, args.top_k);
  if (part > 0 && part * kTopKPart >= all) return;
  Block block = {};
  block.ranks = reinterpret_cast<RankBits*>(shared);
  block.best = block.ranks + max(power_of_two_from(held), kThreads);
  block.count = static_cast<int>(min(kTopKPart, all - part * kTopKPart));
  block.wanted = min(block.count, static_cast<int>(args.top_k));
  const int size = power_of_two_from(static_cast<int>(args.top_k));
  block.counts = reinterpret_cast<unsigned*>(block.best + max(size, kThreads));
  for (int index = threadIdx.x; index < block.count; index += kThreads) {
    const std::int64_t item = part * kTopKPart + index;
    block.ranks[index] = level.from == nullptr
                             ? rank_of(args.scores[query * args.score_step + item], static_cast<unsigned>(item))
                             : level.from[query * args.candidate_step + item];
  }
  if (level.to == nullptr && held <= kFew) {
    const int few = power_of_two_from(held);
    for (int index = block.count + threadIdx.x; index < few; index += kThreads) block.ranks[index] = ~RankBits{0};
    __syncthreads();
    sort_any(block.ranks, few);
    write_selected(args, token, block.ranks, block.wanted);
    return;
  }
  for (int index = threadIdx.x; index < size; index += kThreads) block.best[index] = ~RankBits{0};
  __syncthreads();
  find_bounds(block, search);
  while (search.wanted < search.inside) narrow(block, search, warp_sums);
  gather(block, search.high, taken);
  if (level.to != nullptr) {
    for (int index = threadIdx.x; index < block.wanted; index += kThreads)
      level.to[query * args.candidate_step + part * args.top_k + index] = block.best[index];
    return;
  }
  sort_any(block.best, size);
  write_selected(args, token, block.best, block.wanted);
}

}  // namespace

void launch_top_k(const TopKKernel& args, Stream stream) {
  if (args.count == 0 || args.top_k == 0) return;
  if (top_k_counted::fits(args)) return top_k_counted::launch_counted(args, stream);
  std::int64_t size = 1;
  while (size < args.top_k) size *= 2;
  std::int64_t most = args.most_visible;
  const std::int64_t levels = top_k_levels(most, args.top_k);
  for (std::int64_t depth = 0; depth < levels; ++depth) {
    const bool last = depth + 1 == levels;
    const Level level = {.from = depth == 0 ? nullptr : args.candidates[(depth - 1) % 2],
                         .to = last ? nullptr : args.candidates[depth % 2],
                         .depth = depth,
                         .parts = last ? 1 : (most + kTopKPart - 1) / kTopKPart};
    const std::int64_t held = most < kTopKPart ? (most > 0 ? most : 1) : kTopKPart;
    std::int64_t places = 1;  // a whole sort wants a power of two of them
    while (places < held) places *= 2;
    const std::int64_t ranks = (places < kThreads ? kThreads : places) + (size < kThreads ? kThreads : size);
    const auto bytes = static_cast<std::size_t>(ranks * static_cast<std::int64_t>(sizeof(RankBits)) + 4 * kBins);
    launch(stream, "top_k",
           {.blocks = {blocks_for(args.count * level.parts, 1)},
            .threads = kThreads,
            .shared_bytes = static_cast<unsigned>(bytes),
            .chained = stream.chained},
           top_k, args, level, static_cast<int>(held));
    most = top_k_candidates(most, args.top_k);
  }
}

}  // namespace fathom::cuda
