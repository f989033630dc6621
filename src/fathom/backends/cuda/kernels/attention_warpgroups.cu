// Attention by warpgroups of sm_90a, for entries in released storage, rounded as the released kernels round: queries
// and weights in one bfloat16 part, stored keys exact in bfloat16, sums in float32. A tile's sum of weights is that of
// the weights before they are rounded.
//
// A block takes a query's 64 heads: each of its keys is fetched and decoded once. It walks through all tiles
// (attention_join.cuh), or a block takes one tile.
#include "fathom/backends/cuda/kernels/attention.h"
#include "fathom/backends/cuda/kernels/attention_roles.cuh"

namespace fathom::cuda {
namespace {

struct BlockGrid {
  std::int64_t groups;  // of heads
  std::int64_t tiles;   // 1: a block walks through all
};

template <bool kSplit>
__global__ void __launch_bounds__(kBlockThreads, 1)
    attend_by_warpgroups(const __grid_constant__ AttentionKernel args, EntryShape shape, BlockGrid grid) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  // Of a thread; two warpgroups of each have all that there are.
  constexpr int kValueRegisters = 192;
  constexpr int kWeighRegisters = 64;
  begin_in_turn();
  extern __shared__ __align__(1024) unsigned char memory[];
  BlockShared& shared = *reinterpret_cast<BlockShared*>(memory);
  const std::int64_t query = blockIdx.x / (grid.groups * grid.tiles);
  const QueryKeys keys = keys_of(args, args.first + query, shape.row_bytes);
  const int count = count_keys(args, keys, &shared.first_missing);
  BlockWork work = {args.first + query, blockIdx.x % grid.groups * kBlockHeads, 0, count};
  if constexpr (kSplit) {
    work.first_key = static_cast<int>(blockIdx.x / grid.groups % grid.tiles) * kKeys;
    if (work.first_key >= count) return;
    work.end_key = min(count, work.first_key + kKeys);
  }
  if (threadIdx.x == 0) {
    prepare_barriers(shared);
    shared.query_keys = keys;
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

void launch_attention_warpgroups(const AttentionKernel& args, Stream stream) {
  if (args.count == 0 || args.heads == 0) return;
  const EntryShape shape = entry_shape(args.format);
  BlockGrid grid = {(args.heads + kBlockHeads - 1) / kBlockHeads, 1};
  if (!args.shape.split) {
    launch_blocks<false>(args, shape, grid, stream);
    return;
  }
  grid.tiles = most_tiles(args);
  launch_blocks<true>(args, shape, grid, stream);
  launch_join<Multiplied>(args, shape, stream);
}

}  // namespace fathom::cuda
