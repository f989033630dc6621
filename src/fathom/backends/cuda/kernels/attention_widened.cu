// Attention by warpgroups of sm_90a (attention_warpgroups.cu says the arithmetic) for steps of many tokens: all keys
// that the step's queries see are widened to bfloat16 once, which is exact, and a block takes query after query.
#include "fathom/backends/cuda/kernels/attention_widened.h"

#include <algorithm>

#include "fathom/backends/cuda/kernels/attention_widened.cuh"

namespace fathom::cuda {
namespace {

constexpr int kRowWarps = 8;  // of a block, a row or a token each

// The stored row that widened row `row` is of, or null where no query sees one.
__device__ const std::byte* stored_row(const WidenedAttention& args, const EntryShape& shape, std::int64_t row) {
  if (row < args.tokens) return args.attention.fresh + row * shape.row_bytes;
  const std::int64_t behind = row - args.tokens;
  const PlacedRun& run = args.attention.runs[behind / args.rows_of_run()];
  const std::int64_t at = behind % args.rows_of_run();
  if (at < args.attention.window) {
    const std::int64_t position = run.start - args.attention.window + at;
    return position < 0 ? nullptr : run.ring + position % run.capacity * shape.row_bytes;
  }
  const std::int64_t entry = at - args.attention.window;
  return entry < (run.start + run.tokens) / args.attention.ratio ? run.paged_row(entry, shape.row_bytes) : nullptr;
}

__device__ uint2 read_eight(const std::byte* place) {
  if (aligned_to(place, 8)) return *reinterpret_cast<const uint2*>(place);
  return {read_u32(place), read_u32(place + 4)};
}

__global__ void __launch_bounds__(kRowWarps* kWarp)
    widen_rows(const __grid_constant__ WidenedAttention args, EntryShape shape) {
  begin_in_turn();
  constexpr int kCodes = kNope / 8;
  constexpr int kRowWords = kDim / 8;
  const std::int64_t row = global_thread() / kWarp;
  if (row >= args.row_count()) return;
  const std::byte* from = stored_row(args, shape, row);
  if (from == nullptr) return;
  auto* to = reinterpret_cast<uint4*>(args.rows) + row * kRowWords;
#pragma unroll
  for (int piece = lane_id(); piece < kRowWords; piece += kWarp) {
    const bool codes = piece < kCodes;
    const std::byte* words = codes ? from + 8 * piece : from + kNope + 16 * (piece - kCodes);
    uint2 low = read_eight(words);
    uint2 high = {};
    if (codes) {
      const unsigned exponent = byte_at(from + shape.scales + piece / (static_cast<int>(kNopeScaleGroup) / 8));
      high = widened_codes(low.y, exponent);
      low = widened_codes(low.x, exponent);
    } else {
      high = read_eight(words + 8);
    }
    to[piece] = {low.x, low.y, high.x, high.y};
  }
}

// Where a token's keys lie; reports those of the future.
__global__ void __launch_bounds__(kRowWarps* kWarp)
    find_keys(const __grid_constant__ WidenedAttention args, EntryShape shape) {
  begin_in_turn();
  const AttentionKernel& attention = args.attention;
  const std::int64_t token = global_thread() / kWarp;
  if (token >= args.tokens) return;
  const std::int64_t index = attention.runs.run_of_row(token);
  const PlacedRun& run = attention.runs[index];
  const QueryKeys keys = keys_of(attention, token, shape.row_bytes);
  std::int64_t count = keys.most;
  if (keys.selected != nullptr) {
    const auto slots = static_cast<int>(attention.top_k);
    int missing = slots;
    for (int slot = lane_id(); slot < slots; slot += kWarp)
      if (keys.selected[slot] < 0) missing = min(missing, slot);
    missing = __reduce_min_sync(kAllLanes, missing);
    for (int slot = lane_id(); slot < missing; slot += kWarp)
      if (keys.selected[slot] >= keys.visible)
        *attention.fault = {FaultCode::invisible_entry, keys.selected[slot], keys.visible};
    count = keys.window_keys + missing;
  }
  if (lane_id() != 0) return;
  const std::int64_t run_row = args.tokens + index * args.rows_of_run();
  const std::int64_t in_ring = min(max(run.start - keys.first_position, std::int64_t{0}), keys.window_keys);
  const std::int64_t ring_row = run_row + attention.window - (run.start - keys.first_position);
  const std::int64_t fresh_row = run.first_row + max(keys.first_position - run.start, std::int64_t{0});
  args.keys[token] = {.ring_row = static_cast<std::int32_t>(ring_row),
                      .ring_keys = static_cast<std::int32_t>(in_ring),
                      .fresh_row = static_cast<std::int32_t>(fresh_row),
                      .window_keys = static_cast<std::int32_t>(keys.window_keys),
                      .entry_row = static_cast<std::int32_t>(run_row + attention.window),
                      .visible = static_cast<std::int32_t>(keys.visible),
                      .count = static_cast<std::int32_t>(count),
                      .unused = 0};
}

__global__ void __launch_bounds__(kBlockThreads, 1) attend_widened(const __grid_constant__ WidenedAttention args) {
#ifdef FATHOM_WARPGROUP_PRODUCTS
  // Of a thread; two warpgroups of each have all that there are.
  constexpr int kValueRegisters = 192;
  constexpr int kWeighRegisters = 64;
  begin_in_turn();
  extern __shared__ __align__(1024) unsigned char memory[];
  WidenedShared& shared = *reinterpret_cast<WidenedShared*>(memory);
  if (threadIdx.x == 0) prepare_barriers(shared);
  __syncthreads();
  if (warpgroup_id() < kWeighers) {
    give_registers<kWeighRegisters>();
    WeighWidened(args, shared).run();
  } else {
    take_registers<kValueRegisters>();
    MultiplyWidened(args, shared).run();
  }
#else
  __trap();  // the host never chooses it
#endif
}

}  // namespace

void launch_widen_keys(const WidenedAttention& args, Stream stream) {
  const EntryShape shape = entry_shape(args.attention.format);
  launch(stream, "widen_rows",
         {.blocks = {blocks_for(args.row_count(), kRowWarps)}, .threads = kRowWarps * kWarp, .chained = stream.chained},
         widen_rows, args, shape);
  launch(stream, "find_keys",
         {.blocks = {blocks_for(args.tokens, kRowWarps)}, .threads = kRowWarps * kWarp, .chained = stream.chained},
         find_keys, args, shape);
}

void launch_attention_widened(const WidenedAttention& args, Stream stream) {
  constexpr auto kBytes = static_cast<int>(sizeof(WidenedShared));
  static_assert(kBytes <= kWarpgroupSharedBytes, "what choose/ asks for");
  const std::int64_t groups = (args.attention.heads + kBlockHeads - 1) / kBlockHeads;
  launch(stream, "attend_widened",
         {.blocks = {blocks_for(std::min(args.tokens, std::max(args.blocks / groups, std::int64_t{1})), 1),
                     blocks_for(groups, 1)},
          .threads = kBlockThreads,
          .shared_bytes = static_cast<unsigned>(kBytes),
          .chained = stream.chained},
         attend_widened, args);
}

}  // namespace fathom::cuda
