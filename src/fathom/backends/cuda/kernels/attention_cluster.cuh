// A query and sixteen heads by a cluster of blocks, a tile of keys each. What a block has of its tile stays in its
// shared memory; behind one meeting all blocks join the tiles in their order, some columns each, so that neither a
// second kernel nor a trip through memory stands between attention and the product behind it. The numbers and the
// functions that join them are those of a block for each tile and of join_tiles (attention_join.cuh), and so are the
// bits.
//
// A block has half of a multiprocessor's registers, so that small ones of the products behind it find room beside it.
#pragma once

#include "fathom/backends/cuda/kernels/attention_rows.cuh"
#include "fathom/backends/cuda/kernels/attention_weights.cuh"
#include "fathom/backends/cuda/kernels/cluster.cuh"

namespace fathom::cuda {

constexpr int kClusterThreads = 2 * kWarpgroupThreads;
constexpr int kClusterWarps = kClusterThreads / kWarp;
constexpr int kClusterHeads = static_cast<int>(kFewHeads);
constexpr int kMostTiles = static_cast<int>(kMostClusterTiles);
constexpr int kValueStride = kDim + 8;  // so that eight heads by four pairs of columns fall into all banks
constexpr int kQuarter = 4 * kWarp;     // columns that a warp joins at once
constexpr int kQuarters = kDim / kQuarter;
constexpr int kTurnedPairs = (kDim - kNope) / 2;

struct ClusterShared {
  uint4 queries[kBands][kClusterHeads][kPieces];  // a product reads 64 lines of each band: the rest is anything
  uint4 keys[kBands][kKeys][kPieces];
  union {
    uint2 raw[kKeys][kWords];                   // rows as stored, until they are decoded
    float values[kClusterHeads][kValueStride];  // of the tile
  };
  StoredWeights weights;
  float2 of_tile[kClusterHeads];  // the largest score and the sum of weights
  float sinks[kClusterHeads];
  float cosines[kTurnedPairs];
  float sines[kTurnedPairs];
  int first_missing;
};

struct ClusterGrid {
  std::int64_t tiles;   // of a cluster
  std::int64_t groups;  // of heads
};

#ifdef FATHOM_WARPGROUP_PRODUCTS

__device__ inline float4 four_there(std::uint32_t address) {
  float4 value;
  asm volatile("ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(value.x), "=f"(value.y), "=f"(value.z), "=f"(value.w)
               : "r"(address)
               : "memory");
  return value;
}

__device__ inline float2 two_there(std::uint32_t address) {
  float2 value;
  asm volatile("ld.shared::cluster.v2.f32 {%0, %1}, [%2];" : "=f"(value.x), "=f"(value.y) : "r"(address) : "memory");
  return value;
}

class AttendInCluster {
 public:
  __device__ AttendInCluster(const AttentionKernel& args, const EntryShape& shape, const ClusterGrid& grid,
                             ClusterShared& shared)
      : args_(args),
        shared_(shared),
        tiles_(static_cast<int>(grid.tiles)),
        tile_(static_cast<int>(blockIdx.x % grid.tiles)),
        first_head_(blockIdx.x / grid.tiles % grid.groups * kClusterHeads),
        heads_(static_cast<int>(min(std::int64_t{kClusterHeads}, args.heads - first_head_))),
        token_(args.first + blockIdx.x / (grid.tiles * grid.groups)),
        keys_(keys_of(args, token_, shape.row_bytes)) {}

  __device__ void run() {
    const bool perhaps = first_key() < keys_.most;
    send_for_rows(keys_, first_key());
    wait_for_earlier_kernels();
    float4 queries[kTurns];
    if (perhaps) {
      fetch_rows();
      fetch_queries(queries);
    }
    // Small things as well are read before products behind it send for weights: they would come after all of them.
    if (warpgroup_id() == 1) {
      bring_ends();
    } else if (args_.end.cosine != nullptr && tile_ == 0 && first_head_ == 0) {
      commit();
    }
    const int count = count_keys(args_, keys_, &shared_.first_missing);
    const bool there = first_key() < count;
    const int keys = min(kKeys, count - first_key());
    if (there) {
      store_queries(queries);
      decode_rows(keys);
      show_to_products();
    }
    wait_for_copies();
    __syncthreads();
    let_later_kernels_begin();
    if (there && warpgroup_id() == 0) weigh(keys);
    __syncthreads();
    if (there) multiply();
    cluster_arrive();
    cluster_wait();
    join((count + kKeys - 1) / kKeys);
  }

 private:
  static constexpr int kOwnRowsOfWarp = kKeys / kClusterWarps;
  static constexpr int kTurns = kClusterHeads * kDim / 4 / kClusterThreads;  // of four inputs of the queries
  static constexpr int kOwnBands = kBands / 2;

  __device__ int first_key() const { return tile_ * kKeys; }
  __device__ static int first_row() { return warp_id() * kOwnRowsOfWarp; }

  // All at once. Rows behind the first that is none are fetched as well, and not looked at.
  __device__ void fetch_rows() const {
    const int key = first_key() + first_row() + lane_id() % kOwnRowsOfWarp;
    const std::byte* row = keys_.row(key);
    const unsigned ordinary = __ballot_sync(kAllLanes, row != nullptr && aligned_to(row, 8));
#pragma unroll
    for (int own = 0; own < kOwnRowsOfWarp; ++own) {
      const auto from = __shfl_sync(kAllLanes, reinterpret_cast<unsigned long long>(row), own);
      fetch_row(reinterpret_cast<const std::byte*>(from), (ordinary >> own & 1U) != 0, shared_.raw[first_row() + own]);
    }
    end_of_copies();
  }

  __device__ void decode_rows(int keys) const {
    wait_for_copies();
    __syncwarp();
#pragma unroll 2
    for (int own = 0; own < kOwnRowsOfWarp; ++own) {
      const int key = first_row() + own;
      if (key < keys) {
        decode_row(shared_.raw[key], key, shared_.keys);
      } else {
        clear_row(key);
      }
    }
  }

  __device__ void clear_row(int key) const {
    for (int piece = lane_id(); piece < kBands * kPieces; piece += kWarp)
      shared_.keys[piece / kPieces][key][piece % kPieces] = {};
  }

  __device__ void fetch_queries(float4 (&values)[kTurns]) const {
    const float* q = args_.q + (token_ * args_.heads + first_head_) * kDim;
    const bool aligned = aligned_to(q, 16);
#pragma unroll
    for (int turn = 0; turn < kTurns; ++turn) {
      const int quad = turn * kClusterThreads + static_cast<int>(threadIdx.x);
      values[turn] = make_float4(0.0F, 0.0F, 0.0F, 0.0F);
      if (quad >= heads_ * kDim / 4) continue;
      values[turn] = aligned ? reinterpret_cast<const float4*>(q)[quad]
                             : make_float4(q[4 * quad], q[4 * quad + 1], q[4 * quad + 2], q[4 * quad + 3]);
    }
  }

  __device__ void store_queries(const float4 (&values)[kTurns]) const {
#pragma unroll
    for (int turn = 0; turn < kTurns; ++turn) {
      const int quad = turn * kClusterThreads + static_cast<int>(threadIdx.x);
      const int head = quad / (kDim / 4);
      const int piece = quad % (kDim / 4) / 2;
      auto* halves = reinterpret_cast<uint2*>(&shared_.queries[piece / kPieces][head][(piece ^ head) % kPieces]);
      halves[quad % 2] = {packed(values[turn].x, values[turn].y), packed(values[turn].z, values[turn].w)};
    }
  }

  // By the first warpgroup.
  __device__ void weigh(int keys) const {
    constexpr int kQueryBand = kClusterHeads * kLineBytes;
    const Lines queries = lines_at(shared_address(shared_.queries));
    const Lines lines = lines_at(shared_address(shared_.keys));
    TileScores scores;
    begin_products();
#pragma unroll
    for (int step = 0; step < kDim / kDepth; ++step) {
      const int in_band = step % 4 * (2 * kDepth);
      multiply_lines(scores, lines_behind(queries, step / 4 * kQueryBand + in_band),
                     lines_behind(lines, step / 4 * kBandBytes + in_band), step != 0);
    }
    commit_products();
    wait_products<0>();
    hold_sums<kKeys>(scores);
    float largest[2];
    float sums[2];
    weigh_scores(args_.scale, keys, scores, largest, sums);
    store_weights(scores, shared_.weights);
#pragma unroll
    for (int half = 0; half < 2; ++half)
      if (lane_id() % 4 == 0 && head_of_thread(half) < kClusterHeads)
        shared_.of_tile[head_of_thread(half)] = {largest[half], sums[half]};
  }

  __device__ void bring_ends() const {
    const int thread = static_cast<int>(threadIdx.x) % kWarpgroupThreads;
    if (thread < heads_) shared_.sinks[thread] = args_.sink[first_head_ + thread];
    if (args_.end.cosine == nullptr) return;
    const int turned = thread - kWarp;
    if (turned < 0) return;
    if (turned < kTurnedPairs) shared_.cosines[turned] = args_.end.cosine[token_ * kTurnedPairs + turned];
    if (turned >= kTurnedPairs && turned < 2 * kTurnedPairs)
      shared_.sines[turned - kTurnedPairs] = -args_.end.sine[token_ * kTurnedPairs + turned - kTurnedPairs];
  }

  // Of a run of one token: its row takes the place of one that it does not see.
  __device__ void commit() const {
    const PlacedRun& run = *keys_.run;
    copy_whole_row(args_.fresh + token_ * keys_.row_bytes, run.ring + run.start % run.capacity * keys_.row_bytes,
                   keys_.row_bytes, static_cast<int>(threadIdx.x) % kWarpgroupThreads, kWarpgroupThreads);
  }

  // Each warpgroup half of the columns.
  __device__ void multiply() const {
    TileWeights weights;
    load_weights(shared_.weights, weights);
#pragma unroll
    for (int own = 0; own < kOwnBands; ++own) {
      const int band = warpgroup_id() * kOwnBands + own;
      BandValues values;
      multiply_keys(shared_.keys[band], weights, values);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int head = head_of_thread(half);
        if (head >= kClusterHeads) continue;
        float* to = shared_.values[head] + band * kLine + lane_id() % 4 * 2;
#pragma unroll
        for (int eight = 0; eight < kLine / 8; ++eight)
          *reinterpret_cast<float2*>(to + eight * 8) = {values[eight * 4 + half * 2], values[eight * 4 + half * 2 + 1]};
      }
    }
  }

  // A warp takes 128 columns of a head. The others' memory has been read by all before any of them leaves.
  __device__ void join(int tiles) const {
    const int units = heads_ * kQuarters;
    for (int unit = tile_ + tiles_ * warp_id(); unit < units; unit += tiles_ * kClusterWarps) {
      const int head = unit / kQuarters;
      store(head, unit % kQuarters, joined_values(head, unit % kQuarters, tiles));
    }
    cluster_arrive();
    cluster_wait();
  }

  // A lane has four columns; of the tiles' scores it has those of the tile of its number.
  __device__ float4 joined_values(int head, int quarter, int tiles) const {
    const int lane = lane_id();
    const std::uint32_t at = shared_address(&shared_.values[head][quarter * kQuarter + 4 * lane]);
    float4 values[kMostTiles];
    float2 own = {kNoScore, 0.0F};
    if (lane < tiles) own = two_there(address_in(shared_address(&shared_.of_tile[head]), lane));
#pragma unroll
    for (int tile = 0; tile < kMostTiles; ++tile)
      if (tile < tiles) values[tile] = four_there(address_in(at, tile));
    float largest = fmaxf(kNoScore, own.x);  // up to the lane's
#pragma unroll
    for (int distance = 1; distance < kMostTiles; distance *= 2) {
      const float before = __shfl_up_sync(kAllLanes, largest, distance);
      if (lane >= distance) largest = fmaxf(largest, before);
    }
    float before = __shfl_up_sync(kAllLanes, largest, 1);
    if (lane == 0) before = kNoScore;
    const Shares shares = join_largest(before, own.x);
    float4 all = make_float4(0.0F, 0.0F, 0.0F, 0.0F);
    float sum = 0.0F;
#pragma unroll
    for (int tile = 0; tile < kMostTiles; ++tile) {
      if (tile >= tiles) continue;
      const Shares of = {__shfl_sync(kAllLanes, shares.old, tile), __shfl_sync(kAllLanes, shares.fresh, tile)};
      sum = joined(of, sum, __shfl_sync(kAllLanes, own.y, tile));
      all.x = joined(of, all.x, values[tile].x);
      all.y = joined(of, all.y, values[tile].y);
      all.z = joined(of, all.z, values[tile].z);
      all.w = joined(of, all.w, values[tile].w);
    }
    const Multiplied finish(sum, __shfl_sync(kAllLanes, largest, tiles - 1), shared_.sinks[head]);
    return make_float4(finish(all.x), finish(all.y), finish(all.z), finish(all.w));
  }

  __device__ void store(int head, int quarter, float4 values) const {
    const int column = quarter * kQuarter + 4 * lane_id();
    if (args_.end.cosine != nullptr && column >= kNope) {
      const int pair = (column - kNope) / 2;
      turn(values.x, values.y, shared_.cosines[pair], shared_.sines[pair]);
      turn(values.z, values.w, shared_.cosines[pair + 1], shared_.sines[pair + 1]);
    }
    float* out = args_.out + (token_ * args_.heads + first_head_ + head) * kDim + column;
    if (aligned_to(args_.out, 16)) {
      *reinterpret_cast<float4*>(out) = values;
    } else {
      out[0] = values.x;
      out[1] = values.y;
      out[2] = values.z;
      out[3] = values.w;
    }
  }

  __device__ static void turn(float& even, float& odd, float cosine, float sine) {
    const float real = even * cosine - odd * sine;
    odd = even * sine + odd * cosine;
    even = real;
  }

  const AttentionKernel& args_;
  ClusterShared& shared_;
  const int tiles_;
  const int tile_;
  const std::int64_t first_head_;
  const int heads_;
  const std::int64_t token_;
  const QueryKeys keys_;
};

#endif

}  // namespace fathom::cuda
