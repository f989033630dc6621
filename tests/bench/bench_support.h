// For tests: tiny-flash with random weights made in memory, on a backend.
#pragma once

#include <memory>
#include <vector>

#include "fathom/backends/cpu/cpu_backend.h"
#include "fathom/bench/stage_timer.h"
#include "fathom/checkpoint/random_weights.h"
#include "fathom/model/transformer.h"
#include "fathom/spec/layer_choice.h"

namespace fathom::testing {

inline std::vector<float> all_of(View<const float, 2> logits) { return {logits.span().begin(), logits.span().end()}; }

struct TimedModel {
  explicit TimedModel(std::uint64_t seed = 1)
      : source(std::make_shared<const RandomWeights>(without_mtp(preset_model_config("tiny-flash")), seed)) {}

  std::vector<float> forward(Transformer& transformer, SequenceCache& cache, std::vector<std::int32_t> ids) {
    const BatchRun run{.cache = &cache, .ids = ids};
    return all_of(transformer.forward({&run, 1}));
  }

  std::shared_ptr<const RandomWeights> source;
  CpuBackend backend{{.threads = 1}};
  bench::StageTimer timer{backend};
  Transformer timed{source, timer, {}};
  Transformer plain = timed.with_backend(backend);
};

}  // namespace fathom::testing
