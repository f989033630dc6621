#include "fathom/model/compressor.h"

namespace fathom {

CompressorInput plan_input(const Step& step, const CompressorWeights& weights, std::vector<LinearOutput>& products) {
  const CompressorInput input{.kv = step.arena.take<float, 2>({step.tokens(), weights.wkv->out}),
                              .gate = step.arena.take<float, 2>({step.tokens(), weights.wgate->out})};
  products.push_back({.weight = *weights.wkv, .out = input.kv});
  products.push_back({.weight = *weights.wgate, .out = input.gate});
  return input;
}

CompleteEntriesArgs completion(const Step& step, const CompressorWeights& weights, const CompressorPlan& plan,
                               const CompressorInput& input) {
  const EntryAngles& completed = step.entries(plan.ratio);
  return {.pool = {.kv = input.kv,
                   .gate = input.gate,
                   .ape = weights.ape.matrix(plan.ratio),
                   .ratio = plan.ratio,
                   .overlap = plan.overlap,
                   .runs = step.runs,
                   .kv_rings = plan.kv_tails,
                   .gate_rings = plan.gate_tails,
                   .out = step.arena.take<float, 2>({completed.entries, plan.dim})},
          .weight = weights.norm.view(),
          .eps = plan.norm_eps,
          .cosine = completed.angles.cosine,
          .sine = completed.angles.sine,
          .as = {},
          .entry = {},
          .key = {},
          .pages = plan.pages};
}

}  // namespace fathom
