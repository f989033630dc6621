// The feed-forward sublayer. Of few tokens, up to the experts' rows: four launches for one. What does not wait for the
// choice stands beside it: the shared expert's first products beside the gate's, its last one beside the choice, which
// plans a lone token's experts too.
#include "fathom/backends/cuda/kernels/products_beside.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {

bool CudaLauncher::is_mixture_of_few(const MixtureArgs& args) const {
  if (args.shared.w1 == nullptr || !is_shared_expert_tiled(args.shared)) return false;
  const TiledWeight* gate = tiled(args.gate);
  if (gate == nullptr || tiled(*args.experts.front().w1) == nullptr) return false;
  const auto [tokens, channels] = args.x.shape();
  const ProductWeight& w1 = tiled(*args.shared.w1)->weight();
  return gate->weight().kind == TileKind::f16 && w1.kind == TileKind::fp8 &&
         tiled(*args.shared.w2)->weight().kind == TileKind::fp8 &&
         products_pack(product_device_, tokens, std::max(channels, w1.out));
}

void CudaLauncher::do_mixture(const MixtureArgs& args) {
  if (!is_mixture_of_few(args)) {
    if (!mixture_of_many(args)) Backend::do_mixture(args);
    return;
  }
  const auto [tokens, channels] = args.x.shape();
  const TiledWeight& gate = *tiled(args.gate);
  const TiledWeight& w1 = *tiled(*args.shared.w1);
  const TiledWeight& w2 = *tiled(*args.shared.w2);
  const TiledWeight& w3 = *tiled(*args.shared.w3);
  const Operand operand = operand_of(TileKind::fp8);
  const Arena::Scope scope(scratch_);
  const auto shared_gate = scratch_.take<float, 2>({tokens, w1.out});
  const auto shared_up = scratch_.take<float, 2>({tokens, w1.out});
  const auto shared_out = scratch_.take<float, 2>({tokens, channels});
  const RowsOfX x = {
      .x = args.x.data(), .rows = tokens, .in = channels, .row_stride = channels, .awaited = awaited_.of(args.x)};
  const ProductOutput first[] = {product_output(w1, shared_gate), product_output(w3, shared_up)};
  const ProductOutput logits = product_output(gate, args.logits);
  if (!multiply_two_kinds(product_device_, first, {&logits, 1}, operand, x, device_.stream()))
    return Backend::do_mixture(args);

  ExpertProducts experts = expert_products_of(feed_forward_of(args).experts);
  const Operand experts_operand = operand_of(experts.experts.kind);
  std::uint8_t* memory =
      workspace(expert_workspace_bytes(product_device_, experts.experts, tokens, experts.slots, experts_operand));
  find_tiles(feed_forward_of(args).experts, experts);
  experts.planned = tokens == 1 && experts.slots <= kMostSlotsOfWarp;
  experts.beside = shared_out.data();
  experts.distinct = args.route.hash.empty();  // the gate does not repeat itself, a table may
  ExpandKernel expand = expand_kernel(args.into);
  const bool sums = expand_sums(expand);
  if (sums) experts.out = nullptr;
  const ExpertPlan plan = expert_plan(product_device_, experts, experts_operand, memory);
  const SwigluRows activated = {.gate = shared_gate.data(),
                                .up = shared_up.data(),
                                .weights = nullptr,
                                .rows = tokens,
                                .in = w1.out,
                                .limit = args.limit};
  if (!multiply_beside_route(product_device_, product_output(w2, shared_out), operand, activated,
                             route_kernel(args.route), experts.planned ? &plan : nullptr, device_.stream()))
    throw InternalError("[cuda] the shared expert's rows are packed by its products");
  const ExpertRows rows = expert_products(product_device_, experts, experts_operand, memory, device_.stream());
  experts_.computed();
  device_.check_launch("mixture");
  if (sums) {
    expand.y = shared_out.data();
    expand.before = {.rows = rows.rows,
                     .row_of_slot = rows.row_of_slot,
                     .tokens = tokens,
                     .slots = experts.slots,
                     .channels = channels,
                     .out = nullptr};
  }
  expand_and_begin(expand, args.next);
}

// Many tokens are read once and packed for the gate and for the experts. False: nothing was done.
bool CudaLauncher::mixture_of_many(const MixtureArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  const TiledWeight* gate = tiled(args.gate);
  if (!is_packed_wide(tokens) || gate == nullptr || operand_of(gate->weight().kind) != Operand::f16 ||
      args.shared.w1 == nullptr || !is_shared_expert_tiled(args.shared) ||
      operand_of(tiled(*args.shared.w1)->weight().kind) != Operand::e4m3)
    return false;
  const Arena::Scope scope(scratch_);
  std::uint8_t* e4m3 = workspace(packed_rows_bytes(tokens, channels, 1, Operand::e4m3));
  PackedRows x;
  {
    const Arena::Scope of_gate(scratch_);  // which alone reads halves
    std::uint8_t* halves = workspace(packed_rows_bytes(tokens, channels, 1, Operand::f16));
    const RowsOfX rows = {.x = args.x.data(), .rows = tokens, .in = channels, .row_stride = channels};
    const PackedTwice packed = pack_rows_twice(product_device_, rows, e4m3, halves, device_.stream());
    const ProductOutput logits = product_output(*gate, args.logits);
    multiply(product_device_, {&logits, 1}, packed.halves, device_.stream());
    x = packed.e4m3;
  }
  route(args.route);
  feed_forward_packed(feed_forward_of(args), &x);
  return true;
}

}  // namespace fathom::cuda
