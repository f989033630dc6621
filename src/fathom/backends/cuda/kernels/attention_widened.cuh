// What the four warpgroups of a block do with widened keys, query after query (attention_widened.cu). Two take tiles of
// keys in turn: they send for a tile, multiply it with the queries and weigh it. The other two multiply weights with
// keys, each every second band of columns, and store. Bands of a tile are sent for as they come free, two by two, and
// the first two run ahead into the next query while the others finish the one before.
#pragma once

#include "fathom/backends/cuda/kernels/attention_weights.cuh"
#include "fathom/backends/cuda/kernels/attention_widened.h"

namespace fathom::cuda {

constexpr int kPairs = kBands / 2;                // of bands
constexpr int kRowPieces = kDim / kPieces;        // of sixteen bytes
constexpr int kLaneRows = kOwnRows * kPieces / kWarp;  // of a band, that a lane sends a piece for

struct WidenedShared {
  uint4 queries[kBands][kBlockHeads][kPieces];  // lines of columns
  uint4 keys[kWeighers][kBands][kKeys][kPieces];
  StoredWeights weights;
  float2 shares[kBlockHeads];   // of what was joined and of the tile
  float2 joined[kBlockHeads];   // the largest score and the sum of weights so far
  float factors[kBlockHeads];   // behind the last tile what finishes
  std::uint64_t keys_free[kWeighers][kPairs];
  std::uint64_t queries_full;
  std::uint64_t queries_free;
  std::uint64_t weights_full;
  std::uint64_t weights_free;
};

#ifdef FATHOM_WARPGROUP_PRODUCTS

__device__ inline void prepare_barriers(WidenedShared& shared) {
  for (auto& weigher : shared.keys_free)
    for (std::uint64_t& pair : weigher) barrier_init(shared_address(&pair), 2 * kWarps);
  barrier_init(shared_address(&shared.queries_full), kWeighers * kWarps);
  barrier_init(shared_address(&shared.queries_free), kWeighers * kWarps);
  barrier_init(shared_address(&shared.weights_full), kWarps);
  barrier_init(shared_address(&shared.weights_free), 2 * kWarps);
  fence_barriers();
}

// Sixteen bytes to shared memory, or zeros.
__device__ inline void copy_sixteen_or_zeros(std::uint32_t to, const std::byte* from, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(there ? 16 : 0) : "memory");
}

// A query's heads, as many as a block takes: what a block computes at a time.
class BlockQueries {
 public:
  __device__ explicit BlockQueries(const WidenedAttention& args)
      : args_(args), groups_((static_cast<int>(args.attention.heads) + kBlockHeads - 1) / kBlockHeads),
        end_(static_cast<int>(args.attention.count) * groups_) {}

  __device__ static int first() { return static_cast<int>(blockIdx.x); }
  __device__ static int next(int item) { return item + static_cast<int>(gridDim.x); }
  __device__ bool is_one(int item) const { return item < end_; }

  __device__ std::int64_t query(int item) const { return item / groups_; }
  __device__ std::int64_t token(int item) const { return args_.attention.first + query(item); }
  __device__ std::int64_t first_head(int item) const { return item % groups_ * kBlockHeads; }
  __device__ const TokenKeys& keys(int item) const { return args_.keys[token(item)]; }
  __device__ int count(int item) const { return __ldg(&keys(item).count); }
  __device__ static int tiles_of(int count) { return max(1, (count + kKeys - 1) / kKeys); }

  // The row of a key among all, or -1.
  __device__ int row(int item, int key) const {
    const auto* stored = reinterpret_cast<const int4*>(&keys(item));
    const int4 window = __ldg(stored);
    const int4 entries = __ldg(stored + 1);
    if (key >= entries.z) return -1;
    if (key < window.w) return key < window.y ? window.x + key : window.z + key - window.y;
    int entry = key - window.w;
    if (args_.attention.choice == KeyChoice::window_and_selected) {
      entry = __ldg(args_.attention.selected + token(item) * args_.attention.top_k + entry);
      if (entry < 0 || entry >= entries.y) return -1;
    }
    return entries.x + entry;
  }

 private:
  const WidenedAttention& args_;
  const int groups_;
  const int end_;
};

// Brings every second tile of keys, multiplies it with the queries and weighs it. Tiles count over all queries.
class WeighWidened {
 public:
  __device__ WeighWidened(const WidenedAttention& args, WidenedShared& shared)
      : args_(args), items_(args), shared_(shared), group_(warpgroup_id()) {}

  __device__ void run() {
    int first_tile = 0;  // of the query
    int turn = 0;
    look_up({items_.first(), 0, -kWeighers + group_});
#pragma unroll 1
    for (int item = items_.first(); items_.is_one(item); item = items_.next(item), ++turn) {
      const int count = items_.count(item);
      const int tiles = items_.tiles_of(count);
      const int first_own = (group_ ^ first_tile) & 1;
      send_for_queries(item, turn);
      if (first_own >= tiles) finish_queries();
#pragma unroll 1
      for (int tile = first_own; tile < tiles; tile += kWeighers) {
        const int all_tiles = first_tile + tile;
        send_for_keys(all_tiles / kWeighers);
        if (tile == first_own) {
          wait_for_copies_but<kPairs>();
          show_queries();
          wait_round(shared_.queries_full, turn);
        }
        TileScores scores;
        multiply_queries({item, first_tile, tile}, scores);
        if (tile + kWeighers >= tiles) arrive_warp(shared_.queries_free);
        float of_tile[2];
        float sum_of_tile[2];
        weigh_scores(args_.attention.scale, count - tile * kKeys, scores, of_tile, sum_of_tile);
        wait_free(shared_.weights_free, all_tiles);
        store_weights(scores, shared_.weights);
        join({item, first_tile, tile}, tile + 1 == tiles, of_tile, sum_of_tile);
        arrive_warp(shared_.weights_full);
      }
      if (first_own >= tiles) arrive_warp(shared_.queries_free);
      first_tile += tiles;
    }
    wait_for_copies();
  }

 private:
  struct Place {
    int item;
    int first_tile;  // of the item, of all
    int tile;        // of the item
  };

  // The row that a lane holds of the group's tile behind the one at `place`, in this query or a later one.
  __device__ void look_up(Place place) {
    place.tile += kWeighers;
    int tiles = items_.is_one(place.item) ? items_.tiles_of(items_.count(place.item)) : 0;
    while (place.tile >= tiles && items_.is_one(place.item)) {
      place.first_tile += tiles;
      place.item = items_.next(place.item);
      place.tile = (group_ ^ place.first_tile) & 1;
      tiles = items_.is_one(place.item) ? items_.tiles_of(items_.count(place.item)) : 0;
    }
    if (!items_.is_one(place.item)) return;
    row_ = items_.row(place.item, place.tile * kKeys + warp_of_group() * kOwnRows + lane_id() % kOwnRows);
  }

  // Half of the heads, when nobody multiplies those of the query before.
  __device__ void send_for_queries(int item, int turn) const {
    constexpr int kOwnHeads = kBlockHeads / kWeighers / kWarps;
    static_assert(kOwnHeads == kPieces && kRowPieces == 2 * kWarp);
    wait_free(shared_.queries_free, turn);
    const int lane = lane_id();
    const int first = (group_ * kWarps + warp_of_group()) * kOwnHeads;
    const std::int64_t first_head = items_.first_head(item) + first;
    const auto* from = reinterpret_cast<const std::byte*>(
        args_.queries + (items_.query(item) * args_.attention.heads + first_head) * args_.query_stride);
    const std::uint32_t to = shared_address(&shared_.queries[lane / kPieces][first][0]);
#pragma unroll
    for (int head = 0; head < kOwnHeads; ++head) {
      const bool there = first_head + head < args_.attention.heads;
      const std::byte* own = there ? from + head * args_.query_stride * 2 + 16 * lane : from_nowhere();
      const std::uint32_t line = to + head * kLineBytes + (lane % kPieces ^ head) * 16;
      copy_sixteen_or_zeros(line, own, there);
      copy_sixteen_or_zeros(line + kWarp / kPieces * kBandBytes, own + 16 * kWarp, there);
    }
    end_of_copies();
  }
  __device__ const std::byte* from_nowhere() const { return reinterpret_cast<const std::byte*>(args_.rows); }

  // What this warp sent for is there.
  __device__ void show_queries() const {
    show_to_products();
    arrive_warp(shared_.queries_full);
  }
  __device__ void finish_queries() const {
    wait_for_copies();
    show_queries();
  }

  // A lane sends for a piece of every fourth row of a band.
  __device__ void send_for_keys(int own_tile) const {
    const int lane = lane_id();
    const std::byte* from[kLaneRows];
    unsigned there = 0;
#pragma unroll
    for (int turn = 0; turn < kLaneRows; ++turn) {
      const int row = __shfl_sync(kAllLanes, row_, turn * (kWarp / kPieces) + lane / kPieces);
      from[turn] = reinterpret_cast<const std::byte*>(args_.rows) + max(row, 0) * std::int64_t{2 * kDim} +
                   lane % kPieces * 16;
      if (row >= 0) there |= 1U << turn;
    }
    const int first = warp_of_group() * kOwnRows + lane / kPieces;
    const std::uint32_t even = shared_address(&shared_.keys[group_][0][first][(lane ^ first) % kPieces]);
    const std::uint32_t odd = (even ^ 4 * 16) + kWarp / kPieces * kLineBytes;  // four rows on: the piece of line % 8
#pragma unroll
    for (int pair = 0; pair < kPairs; ++pair) {
      wait_free(shared_.keys_free[group_][pair], own_tile);
#pragma unroll
      for (int band = 2 * pair; band < 2 * pair + 2; ++band)
#pragma unroll
        for (int turn = 0; turn < kLaneRows; ++turn)
          copy_sixteen_or_zeros((turn % 2 == 0 ? even : odd) + turn / 2 * kEightLines + band * kBandBytes,
                                from[turn] + band * kLineBytes, (there >> turn & 1U) != 0);
      end_of_copies();
    }
  }

  template <int kPair>
  __device__ void multiply_pair(Lines queries, Lines keys, TileScores& scores) const {
    wait_for_copies_but<kPairs - 1 - kPair>();
    show_to_products();
    wait_for_group();
    begin_products();
#pragma unroll
    for (int step = 0; step < 2 * kLine / kDepth; ++step) {
      const int at = (2 * kPair + step / 4) * kBandBytes + step % 4 * (2 * kDepth);
      multiply_lines(scores, lines_behind(queries, at), lines_behind(keys, at), kPair != 0 || step != 0);
    }
    commit_products();
  }

  __device__ void multiply_queries(const Place& place, TileScores& scores) {
    static_assert(kPairs == 4);
    const Lines queries = lines_at(shared_address(shared_.queries));
    const Lines keys = lines_at(shared_address(shared_.keys[group_]));
    multiply_pair<0>(queries, keys, scores);
    multiply_pair<1>(queries, keys, scores);
    multiply_pair<2>(queries, keys, scores);
    multiply_pair<3>(queries, keys, scores);
    look_up(place);
    wait_products<0>();
    hold_sums<kKeys>(scores);
  }

  // The other warpgroup joined the tile before.
  __device__ void join(const Place& place, bool last, const float (&of_tile)[2], const float (&sum_of_tile)[2]) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int own = head_of_thread(half);
      float2& before = shared_.joined[own];
      float largest = place.tile == 0 ? kNoScore : before.x;
      const float sum_before = place.tile == 0 ? 0.0F : before.y;
      const Shares shares = join_largest(largest, of_tile[half]);
      const float sum = joined(shares, sum_before, sum_of_tile[half]);
      __syncwarp();
      if (lane_id() % 4 != 0) continue;
      before = {largest, sum};
      shared_.shares[own] = {shares.old, shares.fresh};
      if (!last) continue;
      const std::int64_t head = items_.first_head(place.item) + own;
      const float sink = head < args_.attention.heads ? args_.attention.sink[head] : 0.0F;
      shared_.factors[own] = Multiplied(sum, largest, sink).inverse();
    }
  }

  const WidenedAttention& args_;
  const BlockQueries items_;
  WidenedShared& shared_;
  const int group_;
  int row_ = -1;
};

// The values of every second band.
class MultiplyWidened {
 public:
  __device__ MultiplyWidened(const WidenedAttention& args, WidenedShared& shared)
      : args_(args), items_(args), shared_(shared), half_(warpgroup_id() - kWeighers) {}

  __device__ void run() const {
    int all_tiles = 0;
#pragma unroll 1
    for (int item = items_.first(); items_.is_one(item); item = items_.next(item)) {
      const int tiles = items_.tiles_of(items_.count(item));
      BandValues joint[kPairs] = {};
      float factors[2] = {};
#pragma unroll 1
      for (int tile = 0; tile < tiles; ++tile, ++all_tiles) {
        TileWeights weights;
        Shares shares[2];
        take_weights(all_tiles, weights, shares, factors);
        const int buffer = all_tiles % kWeighers;
#pragma unroll
        for (int pair = 0; pair < kPairs; ++pair) {
          BandValues values;
          multiply_keys(shared_.keys[buffer][2 * pair + half_], weights, values);
          arrive_warp(shared_.keys_free[buffer][pair]);
          join_values(shares, values, joint[pair]);
        }
      }
      float* out = args_.attention.out + items_.token(item) * args_.attention.heads * kDim;
#pragma unroll
      for (int pair = 0; pair < kPairs; ++pair) {
#pragma unroll
        for (int index = 0; index < kLine / 2; ++index) joint[pair][index] *= factors[index / 2 % 2];
        store_values(out, {items_.first_head(item), args_.attention.heads, 2 * pair + half_}, joint[pair]);
      }
    }
  }

 private:
  // Factors are the query's in its last tile, and of no meaning before.
  __device__ void take_weights(int tile, TileWeights& weights, Shares (&shares)[2], float (&factors)[2]) const {
    wait_round(shared_.weights_full, tile);
    load_weights(shared_.weights, weights);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float2 own = shared_.shares[head_of_thread(half)];
      shares[half] = {own.x, own.y};
      factors[half] = shared_.factors[head_of_thread(half)];
    }
    arrive_warp(shared_.weights_free);
  }

  const WidenedAttention& args_;
  const BlockQueries items_;
  WidenedShared& shared_;
  const int half_;
};

#endif

}  // namespace fathom::cuda
