#include "fathom/model/compressor.h"

namespace fathom {

View<float, 2> compress(const Step& step, const CompressorWeights& weights, const CompressorPlan& plan,
                        View<const float, 2> x) {
  Backend& backend = step.backend;
  const EntryAngles& completed = step.entries(plan.ratio);
  const auto entries = step.arena.take<float, 2>({completed.entries, plan.dim});

  const Arena::Scope scope(step.arena);
  const auto kv = step.arena.take<float, 2>({step.tokens(), weights.wkv->out});
  const auto gate = step.arena.take<float, 2>({step.tokens(), weights.wgate->out});
  backend.linear({.weight = *weights.wkv, .x = x, .out = kv});
  backend.linear({.weight = *weights.wgate, .x = x, .out = gate});

  backend.gated_pool({.kv = kv,
                      .gate = gate,
                      .ape = weights.ape.matrix(plan.ratio),
                      .ratio = plan.ratio,
                      .overlap = plan.overlap,
                      .runs = step.runs,
                      .kv_rings = plan.kv_tails,
                      .gate_rings = plan.gate_tails,
                      .out = entries});
  backend.commit_rows({.rows = as_byte_rows(kv), .runs = step.runs, .rings = plan.kv_tails});
  backend.commit_rows({.rows = as_byte_rows(gate), .runs = step.runs, .rings = plan.gate_tails});

  backend.rms_norm({.x = entries, .weight = weights.norm.view(), .eps = plan.norm_eps, .out = entries});
  backend.rotate({.x = entries.reshape<3>({completed.entries, 1, plan.dim}),
                  .cosine = completed.angles.cosine,
                  .sine = completed.angles.sine});
  return entries;
}

}  // namespace fathom
