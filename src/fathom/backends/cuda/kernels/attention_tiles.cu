// Attention on matrix units, for entries in released storage. Stored keys are exact in bfloat16; queries are split into
// three bfloat16 parts, which hold a float32 exactly, weights into two (2^-17 of a weight is lost).
//
// One block walks through all tiles (attention_join.cuh) of a token and 16 heads, or a block takes one tile.
#include "fathom/backends/cuda/kernels/attention.h"
#include "fathom/backends/cuda/kernels/attention_tile.cuh"

namespace fathom::cuda {
namespace {

// to[head, column] of the warp's columns; `change` turns a value of place 0 (head lane / 4) or 1 (eight heads on).
template <class Change>
__device__ void store_values(float* to, std::int64_t first_head, std::int64_t heads,
                             const float (&values)[kOwnTiles][4], const Change& change) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t head = first_head + lane_id() / 4 + half * 8;
    if (head >= heads) continue;
#pragma unroll
    for (int tile = 0; tile < kOwnTiles; ++tile) {
      float* place = to + head * kDim + warp_id() * kOwnColumns + tile * 8 + lane_id() % 4 * 2;
      place[0] = change(values[tile][2 * half], half);
      place[1] = change(values[tile][2 * half + 1], half);
    }
  }
}

// A block a token and sixteen heads, through all tiles.
__global__ void __launch_bounds__(kThreads, 1)
    attend(const __grid_constant__ AttentionKernel args, EntryShape shape, std::int64_t groups) {
  begin_in_turn();
  extern __shared__ __align__(16) unsigned char memory[];
  __shared__ int first_missing;
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const std::int64_t token = args.first + blockIdx.x / groups;
  const std::int64_t first_head = blockIdx.x % groups * kHeads;
  const QueryKeys keys = keys_of(args, token, shape.row_bytes);
  const int count = count_keys(args, keys, &first_missing);
  begin_tiles(keys, 0, count, shared);
  Queries queries;
  queries.load(args, token, first_head, warp_id() % kQuarters * kQuarter);
  float joint[kOwnTiles][4] = {};
  float largest[2] = {kNoScore, kNoScore};
  float sums[2] = {};
  for (int tile = 0; tile * kKeys < count; ++tile) {
    float values[kOwnTiles][4];
    take_tile<true>(args, keys, queries, tile, count, shared, values);
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int head = lane_id() / 4 + half * 8;
      const Shares shares = join_largest(largest[half], shared.largest[head]);
      sums[half] = joined(shares, sums[half], shared.sums[head]);
#pragma unroll
      for (int own = 0; own < kOwnTiles; ++own)
#pragma unroll
        for (int place = 0; place < 2; ++place)
          joint[own][2 * half + place] = joined(shares, joint[own][2 * half + place], values[own][2 * half + place]);
    }
  }
  const auto finish_of = [&](int half) {
    const std::int64_t head = first_head + lane_id() / 4 + half * 8;
    return Divided(sums[half], largest[half], head < args.heads ? args.sink[head] : 0.0F);
  };
  const Divided finish[2] = {finish_of(0), finish_of(1)};
  store_values(args.out + token * args.heads * kDim, first_head, args.heads, joint,
               [&](float value, int half) { return finish[half](value); });
}

__global__ void __launch_bounds__(kThreads, 1) attend_tile(const __grid_constant__ AttentionKernel args,
                                                           EntryShape shape, std::int64_t groups, std::int64_t tiles) {
  begin_in_turn();
  extern __shared__ __align__(16) unsigned char memory[];
  __shared__ int first_missing;
  Shared& shared = *reinterpret_cast<Shared*>(memory);
  const std::int64_t first_head = blockIdx.x % groups * kHeads;
  const auto tile = static_cast<int>(blockIdx.x / groups % tiles);
  const std::int64_t query = blockIdx.x / (groups * tiles);
  const QueryKeys keys = keys_of(args, args.first + query, shape.row_bytes);
  const int count = count_keys(args, keys, &first_missing);
  if (tile * kKeys >= count) return;
  begin_tiles(keys, tile, min(count, (tile + 1) * kKeys), shared);
  Queries queries;
  queries.load(args, args.first + query, first_head, warp_id() % kQuarters * kQuarter);
  float values[kOwnTiles][4];
  take_tile<false>(args, keys, queries, tile, count, shared, values);
  float* part = part_of(args, query, tile);
  store_values(part, first_head, args.heads, values, [](float value, int) { return value; });
  const std::int64_t head = first_head + threadIdx.x;
  if (threadIdx.x >= kHeads || head >= args.heads) return;
  part[args.heads * kDim + head] = shared.largest[threadIdx.x];
  part[args.heads * (kDim + 1) + head] = shared.sums[threadIdx.x];
}

}  // namespace

void launch_attention_tiles(const AttentionKernel& args, Stream stream) {
  if (args.count == 0 || args.heads == 0) return;
  const EntryShape shape = entry_shape(args.format);
  const std::int64_t groups = (args.heads + kHeads - 1) / kHeads;
  constexpr auto kBytes = static_cast<int>(sizeof(Shared));
  static_assert(kBytes <= kTiledSharedBytes, "what choose/ asks for");
  if (!args.shape.split) {
    launch(stream, "attend",
           {.blocks = {blocks_for(args.count * groups, 1)},
            .threads = kThreads,
            .shared_bytes = static_cast<unsigned>(kBytes),
            .chained = stream.chained},
           attend, args, shape, groups);
    return;
  }
  const std::int64_t tiles = most_tiles(args);
  launch(stream, "attend_tile",
         {.blocks = {blocks_for(args.count * groups * tiles, 1)},
          .threads = kThreads,
          .shared_bytes = static_cast<unsigned>(kBytes),
          .chained = stream.chained},
         attend_tile, args, shape, groups, tiles);
  launch_join<Divided>(args, shape, stream);
}

}  // namespace fathom::cuda
