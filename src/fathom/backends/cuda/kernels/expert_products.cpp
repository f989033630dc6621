// Routed experts in six launches at most: which rows meet which expert, their activations packed, w1 and w3, SwiGLU
// packed, w2, and the sum over each token's slots where an output is asked for. Each chosen expert is read once,
// however many rows it has in a decode step. Those of a lone token take one launch in the place of two, where they
// can and may (ProductDevice::lone_experts).
#include <algorithm>

#include "fathom/backends/cuda/kernels/expert_plan.h"
#include "fathom/backends/cuda/kernels/gather_rows.h"
#include "fathom/backends/cuda/kernels/lone_experts.h"
#include "fathom/backends/cuda/kernels/pack_rows.h"
#include "fathom/backends/cuda/kernels/product_launch.h"
#include "fathom/base/error.h"

namespace fathom::cuda {
namespace {

constexpr std::int64_t kAlignment = 256;

struct Sizes {
  int columns;  // of a block
  int chunk_rows;
  std::int64_t slots;   // of all tokens
  std::int64_t chunks;  // at most
  bool few;             // the products pack their rows themselves
  std::int64_t rows() const { return chunks * chunk_rows; }
};

// Wide enough for most experts' rows at once: twice the mean, and two.
Sizes sizes_of(const ProductDevice& device, const ExpertTables& experts, std::int64_t tokens, std::int64_t slots,
               Operand operand) {
  Sizes sizes = {};
  sizes.few = products_pack(device, tokens, std::max(experts.channels, experts.expert_dim));
  sizes.slots = tokens * slots;
  const std::int64_t mean = pieces_of(sizes.slots, std::max<std::int64_t>(1, experts.experts));
  sizes.columns = block_columns(std::min(tokens, 2 * mean + 2), operand);
  sizes.chunk_rows = sizes.columns / columns_of_row(operand);
  const std::int64_t nonempty = std::min(experts.experts, sizes.slots);
  sizes.chunks = std::min(sizes.slots, sizes.slots / sizes.chunk_rows + nonempty);
  return sizes;
}

// Pieces of the workspace, in this order. Packed SwiGLU takes the place of packed x, and w2's rows that of w1's and
// w3's, unless w2 packs these itself.
struct Workspace {
  ExpertItem* items;
  std::int32_t* counts;
  std::int32_t* slot_of_row;
  std::int32_t* row_of_slot;
  std::int32_t* chosen;  // by a lone token
  std::uint8_t* packed;
  float* rows;
  float* down;
  std::int64_t bytes;
};

Workspace lay_out(const ExpertTables& experts, const Sizes& sizes, Operand operand, std::uint8_t* memory) {
  std::int64_t bytes = 0;
  const auto take = [&](std::int64_t size) {
    std::uint8_t* piece = memory + bytes;
    bytes += pieces_of(size, kAlignment) * kAlignment;
    return piece;
  };
  Workspace workspace = {};
  workspace.items = reinterpret_cast<ExpertItem*>(take(sizes.chunks * static_cast<std::int64_t>(sizeof(ExpertItem))));
  workspace.counts = reinterpret_cast<std::int32_t*>(take(8));
  workspace.slot_of_row = reinterpret_cast<std::int32_t*>(take(sizes.rows() * 4));
  workspace.row_of_slot = reinterpret_cast<std::int32_t*>(take(sizes.slots * 4));
  workspace.chosen = reinterpret_cast<std::int32_t*>(take(sizes.chunks * 4));
  const std::int64_t widest = std::max(experts.channels, experts.expert_dim);
  workspace.packed = take(sizes.chunks * pieces_of(widest, kBlockInputs) * block_bytes(operand, sizes.columns));
  const std::int64_t inner = 2 * experts.expert_dim;
  workspace.rows = reinterpret_cast<float*>(take(sizes.rows() * std::max(inner, experts.channels) * 4));
  workspace.down = sizes.few ? reinterpret_cast<float*>(take(sizes.rows() * experts.channels * 4)) : workspace.rows;
  workspace.bytes = bytes;
  return workspace;
}

struct ExpertTarget {
  const std::uint8_t* const* tiles;
  float* out;
  const float* rows;
};

class ExpertStep {
 public:
  ExpertStep(const ProductDevice& device, const ExpertProducts& args, Operand operand, std::uint8_t* memory,
             Stream stream)
      : device_(device),
        args_(args),
        operand_(operand),
        sizes_(sizes_of(device, args.experts, args.tokens, args.slots, operand)),
        at_(lay_out(args.experts, sizes_, operand, memory)),
        stream_(stream) {
    // Each slot is an item.
    if (args.tokens == 1 && args.slots <= std::min(kMostSlotsOfWarp, args.experts.experts) && sizes_.few &&
        four_at_once(args.x, args.experts.channels))
      lone_ = lone_shape(device, args.experts, operand);
    if (sizes_.columns < kPrefillColumns) return;
    const std::int64_t pairs = pieces_of(std::min(args.experts.channels, args.experts.expert_dim), 2 * kTileRows);
    prefill_ = prefill_shape(device, args.experts.kind, operand, pairs, sizes_.chunks);
  }

  ExpertPlan plan() const {
    return {
        .selected = args_.selected,
        .present = args_.experts.w1,
        .slots = static_cast<int>(sizes_.slots),
        .experts = static_cast<int>(args_.experts.experts),
        .chunk_rows = sizes_.chunk_rows,
        .group_chunks = prefill_.chunks,
        .last_rows = prefill_.last_columns > 0 ? prefill_.last_columns / columns_of_row(operand_) : sizes_.chunk_rows,
        .items = at_.items,
        .counts = at_.counts,
        .slot_of_row = at_.slot_of_row,
        .row_of_slot = at_.row_of_slot,
        .use = args_.use,
        .fault = args_.fault,
        .chosen = is_lone() ? at_.chosen : nullptr,
        .awaited = is_lone() ? at_.rows : nullptr,
        .most_items = sizes_.chunks,
        .awaited_floats = is_lone() ? 2 * sizes_.chunks * args_.experts.expert_dim : 0};
  }

  void run() const {
    if (!args_.planned) launch_plan(device_, plan(), stream_);
    is_lone() ? multiply_lone() : multiply_all();
    if (args_.out == nullptr) return;
    launch_sum(device_.capability,
               {.rows = at_.down,
                .row_of_slot = at_.row_of_slot,
                .tokens = args_.tokens,
                .slots = args_.slots,
                .channels = args_.experts.channels,
                .out = args_.out,
                .beside = args_.beside},
               stream_);
  }

  ExpertRows rows() const { return {.rows = at_.down, .row_of_slot = at_.row_of_slot}; }

 private:
  bool is_lone() const { return lone_.blocks > 0; }

  void multiply_lone() const {
    const ExpertTables& experts = args_.experts;
    launch_lone_experts({.w1 = experts.w1,
                         .w2 = experts.w2,
                         .w3 = experts.w3,
                         .x = args_.x,
                         .chosen = at_.chosen,
                         .slot_of_row = at_.slot_of_row,
                         .weights = args_.weights,
                         .gate = at_.rows,
                         .up = at_.rows + sizes_.chunks * experts.expert_dim,
                         .down = at_.down,
                         .experts = experts.experts,
                         .channels = experts.channels,
                         .expert_dim = experts.expert_dim,
                         .most_items = static_cast<int>(sizes_.chunks),
                         .limit = args_.limit},
                        lone_, stream_);
  }

  void multiply_all() const {
    const ExpertTables& experts = args_.experts;
    float* gate = at_.rows;
    float* up = at_.rows + sizes_.rows() * experts.expert_dim;
    if (!sizes_.few) pack_x();
    const ExpertTarget gate_and_up[] = {{experts.w1, gate, args_.x}, {experts.w3, up, args_.x}};
    multiply(gate_and_up, experts.channels, experts.expert_dim, own_rows(experts.channels, nullptr), false);
    if (!sizes_.few) pack_activated(gate, up);
    const ExpertTarget down[] = {{experts.w2, at_.down, gate}};
    multiply(down, experts.expert_dim, experts.channels, own_rows(experts.expert_dim, up), true);
  }

  PackWork pack_work(std::int64_t in) const {
    PackWork work;
    work.in = in;
    work.row_stride = in;
    work.slots = at_.slot_of_row;
    work.row_limit = at_.counts + 1;
    work.packed_rows = sizes_.rows();
    work.chunks = sizes_.chunks;
    work.columns = sizes_.columns;
    work.blocks = at_.packed;
    return work;
  }

  bool gathers() const {
    const PackedRows* x = args_.packed;
    return x != nullptr && x->blocks != nullptr && x->operand == Operand::e4m3 && operand_ == Operand::e4m3 &&
           x->columns == kPrefillColumns && sizes_.columns == kPrefillColumns && x->in == args_.experts.channels;
  }

  void pack_x() const {
    if (gathers())
      return launch_gather(device_.capability,
                           {.from = args_.packed->blocks,
                            .to = at_.packed,
                            .slots = at_.slot_of_row,
                            .row_limit = at_.counts + 1,
                            .from_chunks = args_.packed->chunks(),
                            .chunks = sizes_.chunks,
                            .x_blocks = pieces_of(args_.experts.channels, kBlockInputs),
                            .slots_of_row = args_.slots},
                           stream_);
    PackWork work = pack_work(args_.experts.channels);
    work.x = args_.x;
    work.slots_of_row = args_.slots;
    launch_pack(device_.capability, work, operand_, stream_);
  }

  void pack_activated(const float* gate, const float* up) const {
    PackWork work = pack_work(args_.experts.expert_dim);
    work.x = gate;
    work.up = up;
    work.limit = args_.limit;
    work.weights = args_.weights;
    launch_pack(device_.capability, work, operand_, stream_);
  }

  OwnRows own_rows(std::int64_t in, const float* up) const {
    return {.up = up,
            .weights = args_.weights,
            .slots = at_.slot_of_row,
            .row_stride = in,
            .slots_of_row = static_cast<int>(args_.slots),
            .in = static_cast<int>(in),
            .limit = args_.limit,
            .aligned = four_at_once(args_.x, in) && four_at_once(up, in) ? 1 : 0};
  }

  // `again`: the items have been waited for by an earlier launch of products.
  void multiply(std::span<const ExpertTarget> targets, std::int64_t in, std::int64_t out, const OwnRows& own,
                bool again) const {
    ProductWork work;
    work.own = own;
    work.items_known = again ? 1 : 0;
    for (const ExpertTarget& expert : targets) {
      ProductTarget& target = work.targets[work.target_count++];
      target.expert_tiles = expert.tiles;
      target.x = at_.packed;
      target.rows = expert.rows;
      target.out = expert.out;
      target.row_stride = out;
      target.out_rows = static_cast<int>(out);
      target.first_pair = work.pairs;
      work.pairs += static_cast<int>(pieces_of(out, 2 * kTileRows));
    }
    work.parts = args_.experts.parts;
    work.weight_blocks = static_cast<int>(pieces_of(in, kBlockInputs)) * work.parts;
    work.x_chunks = sizes_.chunks;
    work.group_chunks = prefill_.chunks;
    work.items = at_.items;
    work.item_count = at_.counts;
    work.experts = args_.experts.experts;
    ProductLaunch launch = {.capability = device_.capability,
                            .kind = args_.experts.kind,
                            .operand = operand_,
                            .columns = sizes_.columns,
                            .places = 0};
    if (sizes_.columns < kPrefillColumns) {
      launch.places = sizes_.chunks;
      const DecodeShape shape = decode_shape(device_, {.kind = launch.kind,
                                                       .operand = operand_,
                                                       .columns = launch.columns,
                                                       .units = launch.places * work.pairs,
                                                       .blocks = work.weight_blocks,
                                                       .rows = args_.distinct ? args_.tokens : sizes_.slots,
                                                       .packs = sizes_.few});
      launch_decode(launch, work, shape, stream_);
    } else {
      launch.places = std::min(sizes_.chunks, sizes_.chunks / prefill_.chunks + args_.experts.experts);
      launch_prefill(device_, launch, work, prefill_, stream_);
    }
  }

  const ProductDevice& device_;
  const ExpertProducts& args_;
  const Operand operand_;
  const Sizes sizes_;
  const Workspace at_;
  const Stream stream_;
  PrefillShape prefill_;
  LoneShape lone_;
};

}  // namespace

std::int64_t expert_workspace_bytes(const ProductDevice& device, const ExpertTables& experts, std::int64_t tokens,
                                    std::int64_t slots, Operand operand) {
  return lay_out(experts, sizes_of(device, experts, tokens, slots, operand), operand, nullptr).bytes;
}

ExpertPlan expert_plan(const ProductDevice& device, const ExpertProducts& args, Operand operand,
                       std::uint8_t* workspace) {
  return ExpertStep(device, args, operand, workspace, Stream(nullptr)).plan();
}

ExpertRows expert_products(const ProductDevice& device, const ExpertProducts& args, Operand operand,
                           std::uint8_t* workspace, Stream stream) {
  check(args.experts.experts <= kMostExperts, "a layer has at most 1,024 experts");
  check(args.slots > 0, "every token has experts");
  if (args.tokens == 0) return {};
  const ExpertStep step(device, args, operand, workspace, stream);
  step.run();
  return step.rows();
}

}  // namespace fathom::cuda
