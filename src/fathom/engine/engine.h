// Time and memory: which sequences run now and how many tokens each. It knows token ids, never text.
//
//   step() = schedule, batch, forward, sample, commit
//
// Prefill in chunks, decode and mixtures of both take that one path; what a sequence gets does not depend on its
// company.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "fathom/engine/sampler.h"
#include "fathom/model/transformer.h"

namespace fathom {

struct EngineConfig {
  std::int64_t max_batch_tokens = 512;  // tokens one step may carry, over all sequences
  std::int64_t max_sequences = 64;      // sequences one step may carry
  // Only ids below it are sampled, and logprobs are of the softmax over them; 0: all of the model's. The rows of a
  // model's head may be padded beyond its tokenizer's ids, and such an id stands for no text.
  std::int64_t sampled_vocab = 0;

  void validate() const;
};

enum class FinishReason : std::uint8_t { none, stop, length };

struct GenerationRequest {
  std::vector<std::int32_t> prompt;  // not empty
  SamplingParams sampling;
};

using SequenceId = std::int64_t;

struct TokenEvent {
  SequenceId sequence = 0;
  SampledToken token;
  FinishReason finish = FinishReason::none;  // anything but none: the sequence's last event
};

class Engine {
 public:
  // InputError when the config cannot be or asks for ids that the model does not have.
  Engine(Transformer& transformer, const EngineConfig& config);
  ~Engine();

  // InputError when the prompt is empty, holds an unknown id or leaves no room for an answer.
  SequenceId submit(GenerationRequest request);
  // Forgets a sequence; it gives no further events. Unknown ids are ignored.
  void cancel(SequenceId id);
  // One pass over the model. The sampled tokens, in order of submission; empty while prompts are still read, or when
  // idle.
  std::vector<TokenEvent> step();
  bool idle() const { return sequences_.empty(); }

  // Prompt tokens that are read already of a running sequence, for progress.
  std::int64_t tokens_read(SequenceId id) const;

 private:
  struct Sequence;
  struct Scheduled {
    Sequence* sequence = nullptr;
    std::int64_t tokens = 0;
  };
  std::vector<Scheduled> schedule();
  std::vector<TokenEvent> commit(const std::vector<Scheduled>& plan, View<const float, 2> logits);

  Transformer& transformer_;
  EngineConfig config_;
  std::map<SequenceId, std::unique_ptr<Sequence>> sequences_;
  SequenceId next_id_ = 0;
};

}  // namespace fathom
