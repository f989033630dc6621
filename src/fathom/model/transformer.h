// DeepSeek-V4, once: for every backend, for prefill and decode alike.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fathom/model/cache_layout.h"
#include "fathom/model/expert_use.h"
#include "fathom/model/logits.h"
#include "fathom/model/sequence_cache.h"
#include "fathom/model/step.h"
#include "fathom/model/weights.h"

namespace fathom {

// Consecutive tokens of one sequence, from position cache->tokens() on (mtp_tokens() for a draft).
struct BatchRun {
  SequenceCache* cache = nullptr;
  std::span<const std::int32_t> ids;  // not empty
  std::int64_t logits_from = 0;       // this token of the run and those behind it want logits; ids.size() for none
};

struct TransformerOptions {
  CacheStorage storage = CacheStorage::released;
  std::int64_t rollback_tokens = 0;
  // For a backend with memory of its own, to leave room for: tokens of a step, bytes of caches. 0 bytes: those of so
  // many sequences of all positions.
  std::int64_t step_tokens = 512;
  std::int64_t cache_bytes = 0;
  std::int64_t usual_sequences = 1;
};

class Transformer {
 public:
  // The backend outlives the transformer, which keeps the source.
  Transformer(std::shared_ptr<const WeightSource> source, Backend& backend, const TransformerOptions& options);
  // The same weights, not a copy, computed with by another backend, which takes what this one prepared. Caches of one
  // serve the other.
  Transformer with_backend(Backend& backend) const { return {*this, backend}; }

  const ModelConfig& config() const { return config_; }
  const CacheLayout& cache_layout() const { return *layout_; }
  Backend& backend() const { return backend_; }
  SequenceCache make_cache() const { return {*layout_, backend_.allocator()}; }

  // Runs of different sequences, of any lengths, in one step; every cache is longer afterwards.
  // Returns logits [wanted tokens, vocab] in run order, the backend's memory, valid until the next call.
  View<const float, 2> forward(std::span<const BatchRun> batch, ForwardObserver* observer = nullptr);
  // The same for who samples tokens: the head's product is left where the backend can tell without it which logits
  // matter (Backend::shortlist_product).
  Logits forward_to_sample(std::span<const BatchRun> batch);
  // What the backend reads of the head then, at least; 0: it computes the product for so many rows.
  std::int64_t shortlist_bytes(std::int64_t rows) const { return backend_.shortlist_bytes(*weights_->head, rows); }
  // Residual streams [tokens, streams, channels] that the last forward() left, valid until the next forward().
  View<const float, 3> final_streams() const { return final_streams_; }

  // It has an MTP block, which sees the window alone and so may begin at any place.
  bool can_draft() const { return !weights_->mtp.empty() && config_.ratio(config_.layers) == 0; }
  // Multi-token prediction (report 2.4): for each run, ids are the tokens that follow those whose trunk streams
  // [tokens, streams, channels] are given, run after run. Returns logits as forward() does, of the token after next.
  View<const float, 2> draft(std::span<const BatchRun> batch, View<const float, 3> trunk_streams);
  Logits draft_to_sample(std::span<const BatchRun> batch, View<const float, 3> trunk_streams);
  // Residual streams [tokens, streams, channels] that the last draft() left, valid until the next draft() or forward():
  // in place of the trunk's, for the token after the one just drafted.
  View<const float, 3> draft_streams() const { return draft_streams_; }
  // Rows of either one behind the other, for a draft; the backend's memory, valid until the next call.
  View<const float, 3> gather_streams(std::span<const View<const float, 3>> parts);

  // Since it was made, by forward() and draft(): layers first, then MTP blocks. No blocks where the choices lie in a
  // device's memory. Any thread may ask.
  const ExpertUse& expert_use() const { return expert_use_; }

 private:
  Transformer(const Transformer& other, Backend& backend);

  struct Plan;
  Plan make_plan(std::span<const BatchRun> batch, bool mtp) const;
  std::uint64_t pattern(const Plan& plan, std::span<const BatchRun> batch, bool mtp) const;
  Step begin_step(const Plan& plan, ForwardObserver* observer);
  void run_blocks(const Step& step, View<float, 3> streams) const;
  RotaryAngles angles(std::span<const std::int64_t> positions, const Floats& frequencies);
  enum class HeadProduct : std::uint8_t { computed, may_be_left };
  Logits forward(std::span<const BatchRun> batch, ForwardObserver* observer, HeadProduct product);
  Logits draft(std::span<const BatchRun> batch, View<const float, 3> trunk_streams, HeadProduct product);
  struct Wanted {
    std::span<const BatchRun> batch;
    const HeadWeights& head;
    View<const float, 3> streams;
    HeadProduct product;
  };
  Logits logits(const Step& step, const Wanted& of);

  std::shared_ptr<const WeightSource> source_;
  const ModelConfig& config_;
  std::vector<std::int64_t> ratios_;  // of all compressors, ascending, each once
  Backend& backend_;
  std::shared_ptr<const CacheLayout> layout_;
  std::shared_ptr<const ModelWeights> weights_;
  Floats plain_frequencies_;
  Floats compressed_frequencies_;
  ExpertUse expert_use_;
  Arena arena_;
  Arena streams_arena_;   // the trunk's streams outlive the step: a draft reads them
  Arena gathered_arena_;  // what a draft begins with outlives the draft before it
  View<const float, 3> final_streams_;
  View<const float, 3> draft_streams_;
};

}  // namespace fathom
