// What `experts` means, in terms of linear, swiglu and add. Tokens of one expert go through it together, so that its
// weights are read once; a row's numbers do not depend on its company, and a token sums its slots in ascending order.
#include <vector>

#include "fathom/ops/backend.h"

namespace fathom {
namespace {

struct Slot {
  std::int64_t token;
  std::int64_t slot;
};

void copy_row(Backend& backend, View<const float, 1> from, View<float, 1> to) {
  backend.copy(std::as_bytes(from.span()), reinterpret_cast<std::byte*>(to.data()));
}

}  // namespace

void Backend::do_experts(const ExpertsArgs& args) {
  const auto [tokens, channels] = args.x.shape();
  const std::int64_t selected = args.selected.extent(1);
  const Arena::Scope scope(args.arena);

  std::vector<std::int32_t> ids(static_cast<std::size_t>(tokens * selected));
  download(reinterpret_cast<const std::byte*>(args.selected.data()), std::as_writable_bytes(std::span(ids)));
  std::vector<std::vector<Slot>> slots(args.experts.size());
  for (std::int64_t token = 0; token < tokens; ++token)
    for (std::int64_t slot = 0; slot < selected; ++slot)
      slots.at(static_cast<std::size_t>(ids[token * selected + slot])).push_back({token, slot});

  const auto parts = args.arena.take<float, 3>({tokens, selected, channels});
  for (std::size_t expert = 0; expert < slots.size(); ++expert) {
    if (slots[expert].empty()) continue;
    const Arena::Scope expert_scope(args.arena);
    const ExpertWeights& weights = args.experts[expert];
    const auto rows = std::ssize(slots[expert]);
    const auto x = args.arena.take<float, 2>({rows, channels});
    const auto route_weight = args.arena.take<float, 1>({rows});
    const auto gate = args.arena.take<float, 2>({rows, weights.w1->out});
    const auto up = args.arena.take<float, 2>({rows, weights.w1->out});
    const auto down = args.arena.take<float, 2>({rows, channels});
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto [token, slot] = slots[expert][row];
      copy_row(*this, args.x[token], x[row]);
      copy_row(*this, args.weights.rows(token, 1).reshape<1>({selected}).rows(slot, 1), route_weight.rows(row, 1));
    }
    linear({.weight = *weights.w1, .x = x, .out = gate});
    linear({.weight = *weights.w3, .x = x, .out = up});
    swiglu({.gate = gate, .up = up, .limit = args.limit, .weight = route_weight, .out = gate});
    linear({.weight = *weights.w2, .x = gate, .out = down});
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto [token, slot] = slots[expert][row];
      copy_row(*this, down[row], parts[token][slot]);
    }
  }
  for (std::int64_t token = 0; token < tokens; ++token) {
    const auto out = args.out.rows(token, 1);
    copy_row(*this, parts[token][0], out[0]);
    for (std::int64_t slot = 1; slot < selected; ++slot) add({.x = parts[token].rows(slot, 1), .out = out});
  }
}

}  // namespace fathom
