#include "fathom/engine/engine.h"

#include <algorithm>

namespace fathom {

// tokens = prompt and what was sampled; those below cache.tokens() have been through the model.
struct Engine::Sequence {
  SequenceId id = 0;
  SequenceCache cache;
  std::vector<std::int32_t> tokens;
  std::int64_t prompt_tokens = 0;
  SamplingParams sampling;

  std::int64_t waiting() const { return std::ssize(tokens) - cache.tokens(); }
  bool decoding() const { return waiting() == 1 && cache.tokens() > 0; }
};

void EngineConfig::validate() const {
  if (max_batch_tokens < 1) throw InputError("[engine] max_batch_tokens is {}, it is 1 or more", max_batch_tokens);
  if (max_sequences < 1) throw InputError("[engine] max_sequences is {}, it is 1 or more", max_sequences);
  if (sampled_vocab < 0) throw InputError("[engine] sampled_vocab is {}, it is 0 (the model's) or more", sampled_vocab);
}

Engine::Engine(Transformer& transformer, const EngineConfig& config) : transformer_(transformer), config_(config) {
  config_.validate();
  const std::int64_t vocab = transformer_.config().vocab;
  if (config_.sampled_vocab > vocab)
    throw InputError("[engine] sampled_vocab is {}, the model's vocabulary is {}", config_.sampled_vocab, vocab);
  if (config_.sampled_vocab == 0) config_.sampled_vocab = vocab;
}

Engine::~Engine() = default;

SequenceId Engine::submit(GenerationRequest request) {
  const ModelConfig& model = transformer_.config();
  request.sampling.validate();
  if (request.prompt.empty()) throw InputError("[engine] the prompt has no tokens");
  for (const std::int32_t id : request.prompt)
    if (id < 0 || id >= model.vocab)
      throw InputError("[engine] token id {} is outside the model's vocabulary of {}", id, model.vocab);
  const auto prompt_tokens = std::ssize(request.prompt);
  if (prompt_tokens >= model.max_positions)
    throw InputError("[engine] the prompt has {} tokens, the model's limit is {} with the answer", prompt_tokens,
                     model.max_positions);
  const SequenceId id = next_id_++;
  request.sampling.max_tokens = std::min(request.sampling.max_tokens, model.max_positions - prompt_tokens);
  sequences_.emplace(id, new Sequence{.id = id,
                                      .cache = transformer_.make_cache(),
                                      .tokens = std::move(request.prompt),
                                      .prompt_tokens = prompt_tokens,
                                      .sampling = std::move(request.sampling)});
  return id;
}

void Engine::cancel(SequenceId id) { sequences_.erase(id); }

std::int64_t Engine::tokens_read(SequenceId id) const {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? 0 : found->second->cache.tokens();
}

// Sequences that decode go first, one token each, so that a long prompt delays nobody; prompts share what is left.
std::vector<Engine::Scheduled> Engine::schedule() {
  std::vector<Scheduled> plan;
  std::int64_t room = config_.max_batch_tokens;
  for (const bool decoding : {true, false})
    for (const auto& [id, sequence] : sequences_) {
      if (room == 0 || std::ssize(plan) == config_.max_sequences) return plan;
      if (sequence->decoding() != decoding) continue;
      const std::int64_t tokens = std::min(sequence->waiting(), room);
      plan.push_back({sequence.get(), tokens});
      room -= tokens;
    }
  return plan;
}

std::vector<TokenEvent> Engine::commit(const std::vector<Scheduled>& plan, View<const float, 2> logits) {
  std::vector<float> row(static_cast<std::size_t>(config_.sampled_vocab));  // the rest of a row is never looked at
  std::vector<TokenEvent> events;
  for (const Scheduled& scheduled : plan) {
    Sequence& sequence = *scheduled.sequence;
    if (sequence.waiting() > 0) continue;  // its prompt goes on in the next step
    transformer_.backend().download(reinterpret_cast<const std::byte*>(logits[std::ssize(events)].data()),
                                    std::as_writable_bytes(std::span(row)));
    TokenEvent event{.sequence = sequence.id,
                     .token = sample(row, sequence.sampling, std::ssize(sequence.tokens)),
                     .finish = FinishReason::none};
    sequence.tokens.push_back(event.token.token);
    const auto& stops = sequence.sampling.stop_tokens;
    if (std::find(stops.begin(), stops.end(), event.token.token) != stops.end()) {
      event.finish = FinishReason::stop;
    } else if (std::ssize(sequence.tokens) - sequence.prompt_tokens >= sequence.sampling.max_tokens) {
      event.finish = FinishReason::length;
    }
    events.push_back(std::move(event));
  }
  for (const TokenEvent& event : events)
    if (event.finish != FinishReason::none) sequences_.erase(event.sequence);
  std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  return events;
}

std::vector<TokenEvent> Engine::step() {
  const std::vector<Scheduled> plan = schedule();
  if (plan.empty()) return {};
  std::vector<BatchRun> batch;
  for (const auto& [sequence, tokens] : plan) {
    const std::int64_t last =
        sequence->waiting() == tokens ? tokens - 1 : tokens;  // only a finished prompt wants logits
    batch.push_back(
        {.cache = &sequence->cache,
         .ids = std::span(sequence->tokens)
                    .subspan(static_cast<std::size_t>(sequence->cache.tokens()), static_cast<std::size_t>(tokens)),
         .logits_from = last});
  }
  return commit(plan, transformer_.forward(batch));
}

}  // namespace fathom
