#include "fathom/model/compressor.h"

namespace fathom {

CompressorInput plan_input(const Step& step, const CompressorWeights& weights, std::vector<LinearOutput>& products) {
  const CompressorInput input{.kv = step.arena.take<float, 2>({step.tokens(), weights.wkv->out}),
                              .gate = step.arena.take<float, 2>({step.tokens(), weights.wgate->out})};
  products.push_back({.weight = *weights.wkv, .out = input.kv});
  products.push_back({.weight = *weights.wgate, .out = input.gate});
  return input;
}

View<float, 2> compress(const Step& step, const CompressorWeights& weights, const CompressorPlan& plan,
                        const CompressorInput& input) {
  Backend& backend = step.backend;
  const EntryAngles& completed = step.entries(plan.ratio);
  const auto entries = step.arena.take<float, 2>({completed.entries, plan.dim});
  backend.gated_pool({.kv = input.kv,
                      .gate = input.gate,
                      .ape = weights.ape.matrix(plan.ratio),
                      .ratio = plan.ratio,
                      .overlap = plan.overlap,
                      .runs = step.runs,
                      .kv_rings = plan.kv_tails,
                      .gate_rings = plan.gate_tails,
                      .out = entries});
  backend.commit_tails({.kv = input.kv,
                        .gate = input.gate,
                        .runs = step.runs,
                        .kv_rings = plan.kv_tails,
                        .gate_rings = plan.gate_tails});
  backend.norm_rotate({.x = entries.reshape<3>({completed.entries, 1, plan.dim}),
                       .weight = weights.norm.view(),
                       .eps = plan.norm_eps,
                       .cosine = completed.angles.cosine,
                       .sine = completed.angles.sine});
  return entries;
}

}  // namespace fathom
