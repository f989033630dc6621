// Routed experts without a look at what was chosen: every slot finds its expert's weights in a table on the device.
// Bits are those of the definition (ops/experts_definition.cpp).
#include <algorithm>
#include <vector>

#include "fathom/backends/cuda/kernels/rows.h"
#include "fathom/backends/cuda/launch/cuda_launcher.h"

namespace fathom::cuda {
namespace {

constexpr std::size_t kMostTables = 1024;  // layers of all models

void check_experts(const ExpertsArgs& args) {
  const std::int64_t channels = args.x.extent(1);
  check(args.selected.extent(1) > 0 && !args.experts.empty(), "every token has experts");
  for (const ExpertWeights& expert : args.experts) {
    check_equal(expert.w1->in, channels, "expert w1 columns");
    check_equal(expert.w3->in, channels, "expert w3 columns");
    check_equal(expert.w3->out, expert.w1->out, "expert w3 rows");
    check_equal(expert.w2->in, expert.w1->out, "expert w2 columns");
    check_equal(expert.w2->out, channels, "expert w2 rows");
    check_equal(expert.w1->out, args.experts.front().w1->out, "rows of every expert's w1");
  }
}

}  // namespace

// Serial numbers tell a layer from another one that came to lie in its place.
const ExpertTable& CudaLauncher::table_of(std::span<const ExpertWeights> experts) {
  if (expert_tables_.size() > kMostTables) expert_tables_.clear();
  ExpertTable& table = expert_tables_[experts.data()];
  const std::int64_t first = plain(*experts.front().w1).serial();
  const std::int64_t last = plain(*experts.back().w2).serial();
  const std::int64_t bytes = 3 * std::ssize(experts) * static_cast<std::int64_t>(sizeof(DeviceWeight));
  if (table.first_serial == first && table.last_serial == last && table.memory.bytes() == bytes) return table;
  std::vector<DeviceWeight> weights;
  for (const ExpertWeights& expert : experts)
    for (const PreparedWeight* weight : {expert.w1.get(), expert.w2.get(), expert.w3.get()})
      weights.push_back(plain(*weight).weight());
  table = {.first_serial = first, .last_serial = last, .memory = Memory(memory_, bytes)};
  staged_.copy_to(std::as_bytes(std::span(weights)), table.memory.data());
  return table;
}

void CudaLauncher::do_experts(const ExpertsArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  if (tokens == 0) return;
  check_experts(args);
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
