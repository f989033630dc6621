// Routed experts without a look at what was chosen: every slot finds its expert's weights in a table on the device.
// Bits are those of the definition (ops/experts_definition.cpp).
#include "fathom/backends/cuda/kernels/rows.h"
#include "fathom/backends/cuda/kernels/streams.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {

ExpertProducts CudaLauncher::expert_products_of(const ExpertsArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  const ProductWeight& like = tiled(*args.experts.front().w1)->weight();
  return {.experts = {.kind = like.kind,
                      .parts = like.parts,
                      .experts = std::ssize(args.experts),
                      .channels = channels,
                      .expert_dim = like.out},
          .x = args.x.data(),
          .selected = args.selected.data(),
          .weights = args.weights.data(),
          .tokens = tokens,
          .slots = args.selected.extent(1),
          .limit = args.limit,
          .out = args.out.data(),
          .fault = fault()};
}

void CudaLauncher::find_tiles(const ExpertsArgs& args, ExpertProducts& products) {
  const ExpertTable& table = experts_.table_of(args.experts);
  const std::uint8_t* const* tiles = experts_.tiles_for(table, products.tokens);
  const std::int64_t count = products.experts.experts;
  products.experts.w1 = tiles;
  products.experts.w2 = tiles + count;
  products.experts.w3 = tiles + 2 * count;
  products.use = table.use;
}

// In scratch_, which is the caller's to give back.
ExpertRows CudaLauncher::experts_on_tensor_cores(const ExpertsArgs& args, float* out, const PackedRows* x) {
  ExpertProducts products = expert_products_of(args);
  products.out = out;
  products.packed = x;
  const Operand operand = operand_of(products.experts.kind);
  std::uint8_t* memory =
      workspace(expert_workspace_bytes(product_device_, products.experts, products.tokens, products.slots, operand));
  find_tiles(args, products);
  const ExpertRows rows = expert_products(product_device_, products, operand, memory, device_.stream());
  experts_.computed();
  return rows;
}

void CudaLauncher::do_experts(const ExpertsArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  if (tokens == 0) return;
  if (tiled(*args.experts.front().w1) != nullptr) {
    const Arena::Scope scope(scratch_);
    experts_on_tensor_cores(args, args.out.data(), nullptr);
    return;
  }
  const std::int64_t selected = args.selected.extent(1);
  const std::int64_t slots = tokens * selected;
  const std::int64_t dim = args.experts.front().w1->out;
  const ExpertTable& table = experts_.table_of(args.experts);
  const Arena::Scope scope(args.arena);
  const auto gate = args.arena.take<float, 2>({slots, dim});
  const auto up = args.arena.take<float, 2>({slots, dim});
  const auto down = args.arena.take<float, 2>({slots, channels});

  ExpertProductKernel product = {.weights = table.weights(0),
                                 .weight_step = 3,
                                 .experts = std::ssize(args.experts),
                                 .selected = args.selected.data(),
                                 .x = args.x.data(),
                                 .out = gate.data(),
                                 .slots = slots,
                                 .slots_per_row = selected,
                                 .outputs = dim,
                                 .fault = fault()};
  launch_expert_product(product, device_.stream());
  product.weights = table.weights(2);
  product.out = up.data();
  launch_expert_product(product, device_.stream());
  // The route's weight enters before w2.
  launch_swiglu({.gate = gate.data(),
                 .up = up.data(),
                 .weight = args.weights.data(),
                 .out = gate.data(),
                 .rows = slots,
                 .dim = dim,
                 .limit = args.limit},
                device_.stream());
  product.weights = table.weights(1);
  product.x = gate.data();
  product.out = down.data();
  product.slots_per_row = 1;
  product.outputs = channels;
  launch_expert_product(product, device_.stream());
  launch_slot_sum(
      {.parts = down.data(), .out = args.out.data(), .tokens = tokens, .slots = selected, .channels = channels},
      device_.stream());
  device_.check_launch("experts");
}

void CudaLauncher::do_feed_forward(const FeedForwardArgs& args) { feed_forward_packed(args, nullptr); }

// Many tokens: they are packed once for the shared expert and the others, and each one's slots are summed where they
// are expanded.
void CudaLauncher::feed_forward_packed(const FeedForwardArgs& args, const PackedRows* x) {
  const ExpertsArgs& experts = args.experts;
  const auto [tokens, streams, channels] = args.into.streams.shape();
  const SharedExpertArgs shared = {
      .x = experts.x, .weights = args.shared, .limit = experts.limit, .arena = experts.arena, .out = experts.out};
  ExpandKernel expand = expand_kernel(args.into);
  const bool sums = expand_sums(expand) && args.shared.w1 != nullptr && is_shared_expert_tiled(args.shared) &&
                    tiled(*experts.experts.front().w1) != nullptr;
  if (!sums) return Backend::do_feed_forward(args);
  const Arena::Scope scope(scratch_);
  PackedRows own;
  if (x == nullptr && is_packed_wide(tokens)) {
    own = packed_for_shared_expert(shared);
    x = &own;
  }
  const ExpertRows rows = experts_on_tensor_cores(experts, nullptr, x);
  shared_expert_on_tensor_cores(shared, x != nullptr ? *x : packed_for_shared_expert(shared), false);
  expand.before = {.rows = rows.rows,
                   .row_of_slot = rows.row_of_slot,
                   .tokens = tokens,
                   .slots = experts.selected.extent(1),
                   .channels = channels,
                   .out = nullptr};
  expand_and_begin(expand, args.next);
  device_.check_launch("feed_forward");
}

}  // namespace fathom::cuda
