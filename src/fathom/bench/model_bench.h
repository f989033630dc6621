// Measures a model on a backend: prompts read into an empty cache, steps of one token at any depth. Every pass over a
// case sees the same tokens from the same caches: one warms up and counts the choices, one takes the time, and with
// `stages` one more goes through a StageTimer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "fathom/bench/measurement.h"
#include "fathom/bench/random_cache.h"
#include "fathom/bench/stage_timer.h"
#include "fathom/model/transformer.h"

namespace fathom::bench {

struct BenchOptions {
  std::int64_t repeats = 5;
  std::int64_t decode_steps = 8;  // of one repeat
  std::int64_t chunk = 512;       // tokens of a prompt that one step reads
  bool stages = false;
  // A decode's step ends with a token, greedily, so that a backend may leave out logits that cannot win; else all
  // logits are computed.
  bool sampled = false;
  std::uint64_t seed = 1;
  std::function<void(std::string_view what, double share)> progress = [](std::string_view, double) {};
};

class ModelBench {
 public:
  // `timed` computes with `timer`, `plain` with a backend of its own; they share weights, and all outlive the bench.
  ModelBench(Transformer& plain, Transformer& timed, StageTimer& timer, const BenchOptions& options);

  Measurement measure(const Case& what, int threads) const;

 private:
  struct Sequences;

  void start(const Case& what, Sequences& sequences) const;
  double seconds_of_repeat(Transformer& transformer, const Case& what, Sequences& sequences,
                           ByStage<Work>* counted) const;
  // What a step's last tokens are for.
  enum class Ends : std::uint8_t { nothing, logits, token };
  void step(Transformer& transformer, Sequences& sequences, std::int64_t tokens, Ends ends,
            ByStage<Work>* counted) const;
  void sample(Transformer& transformer, std::span<const BatchRun> batch) const;
  StageSeconds stage_seconds(const Case& what, Sequences& sequences, const std::function<void()>& tick) const;

  Transformer& plain_;
  Transformer& timed_;
  StageTimer& timer_;
  BenchOptions options_;
  StepWork step_work_;
  RandomCache random_cache_;
};

}  // namespace fathom::bench
