// Attention by warpgroups of sm_90a, for entries in released storage, rounded as the released kernels round: queries
// and weights in one bfloat16 part, stored keys exact in bfloat16, sums in float32. A tile's sum of weights is that of
// the weights before they are rounded.
//
// A block takes a query's 64 heads: each of its keys is fetched and decoded once. It walks through all tiles
// (attention_join.cuh), or a block takes one tile; of few tokens fewer heads too, as what it waits for is its own
// reading and writing, and other multiprocessors would have nothing to do.
#include <algorithm>

#include "fathom/backends/cuda/kernels/attention.h"
#include "fathom/backends/cuda/kernels/attention_cluster.cuh"
#include "fathom/backends/cuda/kernels/attention_roles.cuh"

namespace fathom::cuda {
namespace {

struct BlockGrid {
  std::int64_t groups;  // of heads
  std::int64_t tiles;   // 1: a block walks through all
  std::int64_t heads;   // of a group
};

template <bool kSplit>
__global__ void __launch_bounds__(kBlockThreads, 1)
    attend_by_warpgroups(const __grid_constant__ AttentionKernel args, EntryShape shape, BlockGrid grid) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  // Of a thread; two warpgroups of each have all that there are.
  constexpr int kValueRegisters = 192;
  constexpr int kWeighRegisters = 64;
  if constexpr (!kSplit) let_later_kernels_begin();
  extern __shared__ __align__(1024) unsigned char memory[];
  BlockShared& shared = *reinterpret_cast<BlockShared*>(memory);
  const std::int64_t query = blockIdx.x / (grid.groups * grid.tiles);
  const std::int64_t first_head = blockIdx.x % grid.groups * grid.heads;
  const QueryKeys keys = keys_of(args, args.first + query, shape.row_bytes);
  BlockWork work = {args.first + query, first_head, min(args.heads, first_head + grid.heads), 0, 0};
  if constexpr (kSplit) {
    work.first_key = static_cast<int>(blockIdx.x / grid.groups % grid.tiles) * kKeys;
    send_for_rows(keys, work.first_key);
  }
  if (threadIdx.x == 0) {
    prepare_barriers(shared);
    shared.query_keys = keys;
  }
  wait_for_earlier_kernels();
  work.end_key = count_keys(args, keys, &shared.first_missing);
  if constexpr (kSplit) {
    if (work.first_key >= work.end_key) return;
    work.end_key = min(work.end_key, work.first_key + kKeys);
  }
  __syncthreads();
  if (warpgroup_id() < kWeighers) {
    WeighKeys<kSplit> weigh(args, work, shared);
    weigh.begin();
    load_queries(args, work, shared);
    give_registers<kWeighRegisters>();
    weigh.run(query);
  } else {
    load_queries(args, work, shared);
    take_registers<kValueRegisters>();
    MultiplyWeights<kSplit>(args, work, shared).run(query);
  }
#else
  __trap();  // the host never chooses it
#endif
}

__global__ void __launch_bounds__(kClusterThreads, 2)
    attend_in_cluster(const __grid_constant__ AttentionKernel args, EntryShape shape, ClusterGrid grid) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  extern __shared__ __align__(1024) unsigned char memory[];
  AttendInCluster(args, shape, grid, *reinterpret_cast<ClusterShared*>(memory)).run();
#else
  __trap();  // the host never chooses it
#endif
}

void launch_clusters(const AttentionKernel& args, const EntryShape& shape, Stream stream) {
  const ClusterGrid grid = {.tiles = args.shape.cluster, .groups = (args.heads + kClusterHeads - 1) / kClusterHeads};
  launch(stream, "attend_in_cluster",
         {.blocks = {blocks_for(args.count * grid.groups * grid.tiles, 1)},
          .threads = kClusterThreads,
          .shared_bytes = static_cast<unsigned>(sizeof(ClusterShared)),
          .cluster = static_cast<unsigned>(grid.tiles),
          .chained = stream.chained},
         attend_in_cluster, args, shape, grid);
}

template <bool kSplit>
void launch_blocks(const AttentionKernel& args, const EntryShape& shape, const BlockGrid& grid, Stream stream) {
  constexpr auto kBytes = static_cast<int>(sizeof(BlockShared));
  static_assert(kBytes <= kWarpgroupSharedBytes, "what choose/ asks for");
  launch(stream, kSplit ? "attend_tile_by_warpgroups" : "attend_by_warpgroups",
         {.blocks = {blocks_for(args.count * grid.groups * grid.tiles, 1)},
          .threads = kBlockThreads,
          .shared_bytes = static_cast<unsigned>(kBytes),
          .chained = stream.chained},
         attend_by_warpgroups<kSplit>, args, shape, grid);
}

}  // namespace

int attention_clusters_with_room(int tiles) {
  const LaunchShape shape = {
      .threads = kClusterThreads, .shared_bytes = sizeof(ClusterShared), .cluster = static_cast<unsigned>(tiles)};
  return std::max(0, clusters_with_room(reinterpret_cast<const void*>(attend_in_cluster), shape));
}

void launch_attention_warpgroups(const AttentionKernel& args, Stream stream) {
  if (args.count == 0 || args.heads == 0) return;
  const EntryShape shape = entry_shape(args.format);
  if (args.shape.cluster > 0) return launch_clusters(args, shape, stream);
  const std::int64_t heads = args.shape.split ? args.shape.block_heads : kBlockHeads;
  BlockGrid grid = {(args.heads + heads - 1) / heads, 1, heads};
  if (!args.shape.split) {
    launch_blocks<false>(args, shape, grid, stream);
    return;
  }
  grid.tiles = most_tiles(args);
  launch_blocks<true>(args, shape, grid, stream);
  launch_join<Multiplied>(args, shape, stream);
}

}  // namespace fathom::cuda
