// What the four warpgroups of a block do with widened keys, query after query (attention_widened.cu). Two take tiles of
// keys in turn: they send for a tile, multiply it with the queries and weigh it. The other two multiply weights with
// keys, each every second band of columns, and store. Bands of a tile are sent for as they come free, two by two, and
// the first two run ahead into the next query while the others finish the one before.
#pragma once

#include "fathom/backends/cuda/kernels/attention_tokens.cuh"
#include "fathom/backends/cuda/kernels/attention_values.cuh"

namespace fathom::cuda {

constexpr int kLaneRows = kOwnRows * kPieces / kWarp;  // of a band, that a lane sends a piece for

struct WidenedShared {
  uint4 queries[kBands][kBlockHeads][kPieces];  // lines of columns
  uint4 keys[kWeighers][kBands][kKeys][kPieces];
  StoredWeights weights;
  float2 of_tile[kBlockHeads];  // its largest score and its sum of weights
  LargestValues largest;
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
  barrier_init(shared_address(&shared.queries_full), kWeighers * kWarpgroupThreads);
  barrier_init(shared_address(&shared.queries_free), kWeighers * kWarps);
  barrier_init(shared_address(&shared.weights_full), kWarps);
  barrier_init(shared_address(&shared.weights_free), 2 * kWarps);
  fence_barriers();
}

// Sixteen bytes to shared memory, or zeros.
__device__ inline void copy_sixteen_or_zeros(std::uint32_t to, const std::byte* from, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(there ? 16 : 0) : "memory");
}

// Of a thread, when all that it has sent for is there.
__device__ inline void arrive_behind_copies(std::uint64_t& barrier) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(&barrier)) : "memory");
}

// Brings every second tile of keys, multiplies it with the queries and weighs it. Tiles count over all queries.
class WeighWidened {
 public:
  __device__ WeighWidened(const WidenedAttention& args, WidenedShared& shared)
      : args_(args), tokens_(args), shared_(shared), group_(warpgroup_id()) {}

  __device__ void run() {
    int first_tile = 0;  // of the query
    int turn = 0;
    prefetch_queries(tokens_.first());
    look_up({tokens_.first(), 0, group_});
#pragma unroll 1
    for (int token = tokens_.first(); tokens_.is_one(token); token = tokens_.next(token), ++turn) {
      const int count = tokens_.count(token);
      const int tiles = tokens_.tiles_of(count);
      const int first_own = (group_ ^ first_tile) & 1;
      wait_free(shared_.queries_free, turn);
      if (args_.queries == nullptr) {
        load_queries(token);
      } else {
        send_for_queries(token);
      }
      prefetch_queries(tokens_.next(token));  // now, not before: what comes from far would be in the way
#pragma unroll 1
      for (int tile = first_own; tile < tiles; tile += kWeighers) {
        const int all_tiles = first_tile + tile;
        send_for_keys(all_tiles / kWeighers);
        look_up({token, first_tile, tile + kWeighers});
        if (tile == first_own) wait_round(shared_.queries_full, turn);
        TileScores scores;
        multiply_queries(scores);
        if (tile + kWeighers >= tiles) arrive_warp(shared_.queries_free);
        float largest[2];
        float sums[2];
        weigh_scores(args_.attention.scale, count - tile * kKeys, scores, largest, sums);
        wait_free(shared_.weights_free, all_tiles);
        store_weights(scores, shared_.weights);
        store_sums(largest, sums);
        arrive_warp(shared_.weights_full);
      }
      if (first_own >= tiles) arrive_warp(shared_.queries_free);
      first_tile += tiles;
    }
    wait_for_copies();
  }

 private:
  struct Place {
    int token;
    int first_tile;  // of the token, of all
    int tile;        // of the token
  };

  // The key that a lane holds of the group's tile at `place`, or of its first one of a later token.
  __device__ void look_up(Place place) {
    int tiles = tokens_.tiles(place.token);
    while (place.tile >= tiles && tokens_.is_one(place.token)) {
      place.first_tile += tiles;
      place.token = tokens_.next(place.token);
      place.tile = (group_ ^ place.first_tile) & 1;
      tiles = tokens_.tiles(place.token);
    }
    if (!tokens_.is_one(place.token)) return;
    key_ = tokens_.place(place.token, place.tile * kKeys + warp_of_group() * kOwnRows + lane_id() % kOwnRows);
  }

  // To the second-level cache, all of a block's heads.
  __device__ void prefetch_queries(int token) const {
    if (threadIdx.x != 0 || !tokens_.is_one(token)) return;
    const bool rounded = args_.queries != nullptr;
    const int bytes = tokens_.heads() * kDim * static_cast<int>(rounded ? sizeof(std::uint16_t) : sizeof(float));
    const void* queries = rounded ? static_cast<const void*>(tokens_.rounded_queries(token)) : tokens_.queries(token);
    asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(queries), "r"(bytes) : "memory");
  }

  // Half of the heads to bfloat16, when nobody multiplies those of the query before. Heads that are none are zeros.
  __device__ void load_queries(int token) const {
    constexpr int kOwnHeads = kBlockHeads / kWeighers / kWarps;
    constexpr int kAtOnce = 2;  // heads
    constexpr int kQuads = kDim / 4 / kWarp;
    const float* q = tokens_.queries(token);
    const int heads = tokens_.heads();
    const int lane = lane_id();
#pragma unroll 1
    for (int own = 0; own < kOwnHeads; own += kAtOnce) {
      const int first = (group_ * kWarps + warp_of_group()) * kOwnHeads + own;
      float4 values[kAtOnce][kQuads];
#pragma unroll
      for (int head = 0; head < kAtOnce; ++head)
#pragma unroll
        for (int turn = 0; turn < kQuads; ++turn) {
          const auto* quads = reinterpret_cast<const float4*>(q + (first + head) * kDim);
          values[head][turn] = first + head < heads ? quads[turn * kWarp + lane] : make_float4(0.0F, 0.0F, 0.0F, 0.0F);
        }
#pragma unroll
      for (int head = 0; head < kAtOnce; ++head)
#pragma unroll
        for (int turn = 0; turn < kQuads; ++turn) {
          const int piece = (turn * kWarp + lane) / 2;
          auto* halves = reinterpret_cast<uint2*>(
              &shared_.queries[piece / kPieces][first + head][(piece ^ (first + head)) % kPieces]);
          halves[lane % 2] = {packed(values[head][turn].x, values[head][turn].y),
                              packed(values[head][turn].z, values[head][turn].w)};
        }
    }
    show_to_products();
    barrier_arrive(shared_address(&shared_.queries_full));
  }

  // The same of queries that were rounded before: nobody waits but for all of them. Who multiplies them shows them to
  // the products.
  __device__ void send_for_queries(int token) const {
    constexpr int kOwnHeads = kBlockHeads / kWeighers / kWarps;
    constexpr int kHeadPieces = kDim / 8;
    const std::byte* q = tokens_.rounded_queries(token);
    const int heads = tokens_.heads();
#pragma unroll 2
    for (int own = 0; own < kOwnHeads; ++own) {
      const int head = (group_ * kWarps + warp_of_group()) * kOwnHeads + own;
      const bool there = head < heads;
      const std::byte* from = q + (there ? head : 0) * (2 * kDim);
#pragma unroll
      for (int piece = lane_id(); piece < kHeadPieces; piece += kWarp)
        copy_sixteen_or_zeros(shared_address(&shared_.queries[piece / kPieces][head][(piece ^ head) % kPieces]),
                              from + piece * 16, there);
    }
    arrive_behind_copies(shared_.queries_full);
  }

  // A lane sends for a piece of every fourth row of a band.
  __device__ void send_for_keys(int own_tile) const {
    const int lane = lane_id();
    const int own_row = key_.row();
    const std::byte* from[kLaneRows];
    unsigned there = 0;
#pragma unroll
    for (int turn = 0; turn < kLaneRows; ++turn) {
      const int row = __shfl_sync(kAllLanes, own_row, turn * (kWarp / kPieces) + lane / kPieces);
      from[turn] =
          reinterpret_cast<const std::byte*>(args_.rows) + max(row, 0) * std::int64_t{2 * kDim} + lane % kPieces * 16;
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
    wait_for_own_group();
    begin_products();
#pragma unroll
    for (int step = 0; step < 2 * kLine / kDepth; ++step) {
      const int at = (2 * kPair + step / 4) * kBandBytes + step % 4 * (2 * kDepth);
      multiply_lines(scores, lines_behind(queries, at), lines_behind(keys, at), kPair != 0 || step != 0);
    }
    commit_products();
  }
  // A barrier's number that is known when compiled: one that is not reserves them all.
  __device__ void wait_for_own_group() const {
    if (group_ == 0) {
      asm volatile("bar.sync 1, %0;" ::"n"(kWarpgroupThreads) : "memory");
    } else {
      asm volatile("bar.sync 2, %0;" ::"n"(kWarpgroupThreads) : "memory");
    }
  }

  __device__ void multiply_queries(TileScores& scores) const {
    static_assert(kPairs == 4);
    const Lines queries = lines_at(shared_address(shared_.queries));
    const Lines keys = lines_at(shared_address(shared_.keys[group_]));
    multiply_pair<0>(queries, keys, scores);
    multiply_pair<1>(queries, keys, scores);
    multiply_pair<2>(queries, keys, scores);
    multiply_pair<3>(queries, keys, scores);
    wait_products<0>();
    hold_sums<kKeys>(scores);
  }

  __device__ void store_sums(const float (&largest)[2], const float (&sums)[2]) const {
#pragma unroll
    for (int half = 0; half < 2; ++half)
      if (lane_id() % 4 == 0) shared_.of_tile[head_of_thread(half)] = {largest[half], sums[half]};
  }

  const WidenedAttention& args_;
  const BlockTokens tokens_;
  WidenedShared& shared_;
  const int group_;
  KeyPlace key_ = {0, 0, 0};
};

// The values of every second band, and how tiles join.
class MultiplyWidened {
 public:
  __device__ MultiplyWidened(const WidenedAttention& args, WidenedShared& shared)
      : args_(args), tokens_(args), shared_(shared), half_(warpgroup_id() - kWeighers) {}

  __device__ void run() {
    int all_tiles = 0;
    int turn = 0;
#pragma unroll 1
    for (int token = tokens_.first(); tokens_.is_one(token); token = tokens_.next(token), ++turn) {
      const int tiles = tokens_.tiles(token);
      BandValues joint[kPairs] = {};
      largest_[0] = largest_[1] = kNoScore;
      sums_[0] = sums_[1] = 0.0F;
#pragma unroll 1
      for (int tile = 0; tile < tiles; ++tile, ++all_tiles) {
        TileWeights weights;
        float2 of_tile[2];
        take_weights(all_tiles, weights, of_tile);
        const int buffer = all_tiles % kWeighers;
        Shares shares[2];
#pragma unroll
        for (int pair = 0; pair < kPairs; ++pair) {
          BandValues values;
          begin_values(lines_at(shared_address(shared_.keys[buffer][2 * pair + half_])), weights, values);
          if (pair == 0) join(of_tile, shares);
          end_values(values);
          arrive_warp(shared_.keys_free[buffer][pair]);
          join_values(shares, values, joint[pair]);
        }
      }
      finish(token, turn, joint);
    }
  }

 private:
  __device__ void take_weights(int tile, TileWeights& weights, float2 (&of_tile)[2]) const {
    wait_round(shared_.weights_full, tile);
    load_weights(shared_.weights, weights);
#pragma unroll
    for (int half = 0; half < 2; ++half) of_tile[half] = shared_.of_tile[head_of_thread(half)];
    arrive_warp(shared_.weights_free);
  }

  __device__ void join(const float2 (&of_tile)[2], Shares (&shares)[2]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      shares[half] = join_largest(largest_[half], of_tile[half].x);
      sums_[half] = joined(shares[half], sums_[half], of_tile[half].y);
    }
  }

  __device__ void finish(int token, int turn, BandValues (&joint)[kPairs]) const {
    const PackedValues& packed = args_.packed;
    float factors[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int head = head_of_thread(half);
      const float sink = head < tokens_.heads() ? args_.attention.sink[tokens_.first_head() + head] : 0.0F;
      factors[half] = Multiplied(sums_[half], largest_[half], sink).inverse();
    }
#pragma unroll
    for (int pair = 0; pair < kPairs; ++pair)
#pragma unroll
      for (int index = 0; index < kLine / 2; ++index) joint[pair][index] *= factors[index / 2 % 2];
    if (packed.blocks != nullptr) {
      const TokenHeads place = {token, tokens_.first_head(), tokens_.heads(), half_};
      pack_values(packed, place, shared_.largest[turn % 2], joint);
      return;
    }
#pragma unroll
    for (int pair = 0; pair < kPairs; ++pair)
      store_quads(tokens_.values(token), tokens_.heads(), 2 * pair + half_, joint[pair]);
  }

  const WidenedAttention& args_;
  const BlockTokens tokens_;
  WidenedShared& shared_;
  const int half_;
  float largest_[2] = {};
  float sums_[2] = {};
};

#endif

}  // namespace fathom::cuda
