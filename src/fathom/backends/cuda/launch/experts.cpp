// Routed experts without a look at what was chosen: every slot finds its expert's weights in a table on the device.
// Bits are those of the definition (ops/experts_definition.cpp).
#include <algorithm>
#include <vector>

#include "fathom/backends/cuda/kernels/rows.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {
namespace {

constexpr std::size_t kMostTables = 1024;  // layers of all models

std::int64_t serial_of(const PreparedWeight& weight) {
  const TiledWeight* on_tensor_cores = tiled(weight);
  return on_tensor_cores != nullptr ? on_tensor_cores->serial() : plain(weight).serial();
}

// All w1, then all w2, then all w3. InternalError where an expert is of another kind than the first.
std::vector<const std::uint8_t*> tiles_of(std::span<const ExpertWeights> experts) {
  const ProductWeight& like = tiled(*experts.front().w1)->weight();
  std::vector<const std::uint8_t*> tiles;
  for (const auto weight : {&ExpertWeights::w1, &ExpertWeights::w2, &ExpertWeights::w3})
    for (const ExpertWeights& expert : experts) {
      const TiledWeight* one = tiled(*(expert.*weight));
      check(one != nullptr && one->weight().kind == like.kind && one->weight().parts == like.parts,
            "a layer's experts are of one kind");
      tiles.push_back(one->weight().tiles);
    }
  return tiles;
}

}  // namespace

// Serial numbers tell a layer from another one that came to lie in its place.
const ExpertTable& CudaLauncher::table_of(std::span<const ExpertWeights> experts) {
  if (expert_tables_.size() > kMostTables) expert_tables_.clear();
  ExpertTable& table = expert_tables_[experts.data()];
  const std::int64_t first = serial_of(*experts.front().w1);
  const std::int64_t last = serial_of(*experts.back().w2);
  const bool is_tiled = tiled(*experts.front().w1) != nullptr;
  const auto item = static_cast<std::int64_t>(is_tiled ? sizeof(const std::uint8_t*) : sizeof(DeviceWeight));
  const std::int64_t bytes = 3 * std::ssize(experts) * item;
  if (table.first_serial == first && table.last_serial == last && table.memory.bytes() == bytes) return table;
  table = {.first_serial = first, .last_serial = last, .memory = Memory(memory_, bytes)};
  if (is_tiled) {
    const std::vector<const std::uint8_t*> tiles = tiles_of(experts);
    staged_.copy_to(std::as_bytes(std::span(tiles)), table.memory.data());
    return table;
  }
  std::vector<DeviceWeight> weights;
  for (const ExpertWeights& expert : experts)
    for (const PreparedWeight* weight : {expert.w1.get(), expert.w2.get(), expert.w3.get()})
      weights.push_back(plain(*weight).weight());
  staged_.copy_to(std::as_bytes(std::span(weights)), table.memory.data());
  return table;
}

void CudaLauncher::experts_on_tensor_cores(const ExpertsArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  const std::int64_t count = std::ssize(args.experts);
  const ProductWeight& like = tiled(*args.experts.front().w1)->weight();
  const ExpertTable& table = table_of(args.experts);
  const ExpertProducts products = {.experts = {.kind = like.kind,
                                               .parts = like.parts,
                                               .experts = count,
                                               .channels = channels,
                                               .expert_dim = like.out,
                                               .w1 = table.tiles(0),
                                               .w2 = table.tiles(count),
                                               .w3 = table.tiles(2 * count)},
                                   .x = args.x.data(),
                                   .selected = args.selected.data(),
                                   .weights = args.weights.data(),
                                   .tokens = tokens,
                                   .slots = args.selected.extent(1),
                                   .limit = args.limit,
                                   .out = args.out.data(),
                                   .fault = fault()};
  const Operand operand = operand_of(like.kind);
  const Arena::Scope scope(scratch_);
  expert_products(product_device_, products, operand,
                  workspace(expert_workspace_bytes(products.experts, tokens, products.slots, operand)),
                  device_.stream());
}

void CudaLauncher::do_experts(const ExpertsArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  if (tokens == 0) return;
  if (tiled(*args.experts.front().w1) != nullptr) return experts_on_tensor_cores(args);
  const std::int64_t selected = args.selected.extent(1);
  const std::int64_t slots = tokens * selected;
  const std::int64_t dim = args.experts.front().w1->out;
  const ExpertTable& table = table_of(args.experts);
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

}  // namespace fathom::cuda
