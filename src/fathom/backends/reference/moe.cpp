#include <algorithm>
#include <cmath>
#include <vector>

#include "fathom/backends/reference/reference_backend.h"
#include "fathom/ops/released_arithmetic.h"

namespace fathom {
namespace {

// Best first.
std::vector<std::int32_t> best_experts(View<const float, 1> logits, View<const float, 1> bias, std::int64_t selected) {
  std::vector<std::pair<float, std::int32_t>> ranked;  // (-biased score, expert): equal scores to the lower index
  for (std::int64_t expert = 0; expert < logits.size(); ++expert)
    ranked.emplace_back(-(released_routing_score(logits[expert]) + bias[expert]), static_cast<std::int32_t>(expert));
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::int32_t> chosen;
  for (std::int64_t slot = 0; slot < selected; ++slot) chosen.push_back(ranked[slot].second);
  return chosen;
}

}  // namespace

void ReferenceBackend::do_route(const RouteArgs& args) {
  const auto [tokens, selected] = args.selected.shape();
  for (std::int64_t token = 0; token < tokens; ++token) {
    std::vector<std::int32_t> chosen;
    if (args.hash.empty()) {
      chosen = best_experts(args.logits[token], args.bias, selected);
    } else {
      const auto row = args.hash[args.ids[token]].span();
      chosen.assign(row.begin(), row.end());
    }
    float sum = 0.0F;  // in order of rank, or of the hash row
    for (const std::int32_t expert : chosen) sum += released_routing_score(args.logits[token][expert]);
    sum += 1e-20F;
    std::sort(chosen.begin(), chosen.end());
    for (std::int64_t slot = 0; slot < selected; ++slot) {
      args.selected[token][slot] = chosen[slot];
      args.weights[token][slot] = released_routing_score(args.logits[token][chosen[slot]]) / sum * args.route_scale;
    }
  }
}

void ReferenceBackend::do_swiglu(const SwigluArgs& args) {
  const auto [rows, expert_dim] = args.gate.shape();
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t column = 0; column < expert_dim; ++column) {
      float gate = args.gate[row][column];
      float up = args.up[row][column];
      if (args.limit > 0.0F) {
        gate = std::min(gate, args.limit);
        up = std::clamp(up, -args.limit, args.limit);
      }
      const float weight = args.weight.empty() ? 1.0F : args.weight[row];
      args.out[row][column] = gate / (1.0F + released_exp(-gate)) * up * weight;
    }
}

}  // namespace fathom
