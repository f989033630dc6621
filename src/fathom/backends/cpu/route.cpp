// The gate's choice of experts, one token at a time.
#include <algorithm>

#include "fathom/backends/cpu/best_of.h"
#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/backends/cpu/kernels/rows.h"

namespace fathom {
namespace {

// The hash layer's experts of a token, in the table's order.
void take_hashed(const RouteArgs& args, std::int64_t token, std::span<std::int32_t> chosen) {
  const std::int64_t experts = args.logits.extent(1);
  const std::int32_t id = args.ids[static_cast<std::size_t>(token)];
  if (id < 0 || id >= args.hash.extent(0))
    throw InputError("[model] token id {} is outside the vocabulary [0, {})", id, args.hash.extent(0));
  const auto row = args.hash[id].span();
  for (const std::int32_t expert : row)
    if (expert < 0 || expert >= experts)
      throw InputError("[model] expert {} of token id {} is outside [0, {})", expert, id, experts);
  std::copy(row.begin(), row.end(), chosen.begin());
}

}  // namespace

void CpuBackend::do_route(const RouteArgs& args) {
  constexpr std::int64_t kWork = 640;  // per expert: an exponential, a logarithm and a root, and its rank
  const std::int64_t experts = args.logits.extent(1);
  for_each(args.logits.extent(0), experts * kWork, [&](std::int64_t token, Arena& scratch) {
    const Arena::Scope scope(scratch);
    const auto scores = scratch.take<float, 1>({experts});
    routing_scores_row(args.logits[token].data(), experts, scores.data());
    const auto chosen = args.selected[token].span();
    if (args.hash.empty()) {
      // The bias chooses; the weights come from the scores alone.
      const auto biased = scratch.take<float, 1>({experts});
      for (std::int64_t expert = 0; expert < experts; ++expert) biased[expert] = scores[expert] + args.bias[expert];
      best_of(biased.span(), chosen, scratch);
    } else {
      take_hashed(args, token, chosen);
    }
    float sum = 0.0F;  // in order of rank, or of the hash row
    for (const std::int32_t expert : chosen) sum += scores[expert];
    sum += 1e-20F;
    std::sort(chosen.begin(), chosen.end());
    for (std::int64_t slot = 0; slot < std::ssize(chosen); ++slot)
      args.weights[token][slot] = scores[chosen[static_cast<std::size_t>(slot)]] / sum * args.route_scale;
  });
}

}  // namespace fathom
