#include "fathom/engine/engine.h"

#include <algorithm>
#include <chrono>

#include "fathom/engine/engine_sequence.h"

namespace fathom {

namespace {

// The most tokens whose cache fits, below zero where not even the state does.
std::int64_t tokens_in(std::int64_t bytes, const CacheCost& cost, std::int64_t most) {
  if (bytes == 0 || cost.bytes(most) <= bytes) return most;
  if (cost.page_bytes == 0 || bytes < cost.state_bytes) return -1;
  return (bytes - cost.state_bytes) / cost.page_bytes * cost.page_tokens;
}

// With nothing to do but to wait for the disk, cancelled and new requests are looked at so often.
constexpr std::chrono::milliseconds kLoadWait{5};

// A snapshot takes as many bytes as a quarter of the pages between it and the one before.
std::int64_t snapshot_interval(const CacheCost& cost) {
  constexpr std::int64_t kFewest = 1024;
  constexpr std::int64_t kMost = 65536;
  if (cost.page_bytes == 0) return kFewest * 4;
  const std::int64_t pages = 4 * cost.state_bytes / cost.page_bytes;
  const std::int64_t tokens = std::clamp(pages * cost.page_tokens, kFewest, kMost);
  return (tokens + cost.page_tokens - 1) / cost.page_tokens * cost.page_tokens;
}

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::int64_t rows_of(std::span<const BatchRun> runs) {
  std::int64_t rows = 0;
  for (const BatchRun& run : runs) rows += std::ssize(run.ids);
  return rows;
}

}  // namespace

void EngineConfig::validate() const {
  if (max_batch_tokens < 1) throw InputError("[engine] max_batch_tokens is {}, it is 1 or more", max_batch_tokens);
  if (max_sequences < 1) throw InputError("[engine] max_sequences is {}, it is 1 or more", max_sequences);
  if (cache_bytes < 0) throw InputError("[engine] cache_bytes is {}, it is 0 (no limit) or more", cache_bytes);
  if (!(step_seconds >= 0.0)) throw InputError("[engine] step_seconds is {}, it is 0 (any) or more", step_seconds);
  if (prefix.minimum < 1) throw InputError("[engine] prefix.minimum is {}, it is 1 or more", prefix.minimum);
  if (prefix.interval < 0) throw InputError("[engine] prefix.interval is {}, it is 0 or more", prefix.interval);
  if (prefix.bytes < 0) throw InputError("[engine] prefix.bytes is {}, it is 0 or more", prefix.bytes);
  if (drafts.most < 0 || drafts.most > kMostDrafts)
    throw InputError("[engine] drafts.most is {}, it is 0 (none) to {}", drafts.most, kMostDrafts);
  if (sampled_vocab < 0) throw InputError("[engine] sampled_vocab is {}, it is 0 (the model's) or more", sampled_vocab);
}

Engine::Engine(Transformer& transformer, const EngineConfig& config)
    : transformer_(transformer),
      config_((config.validate(), config)),
      tree_(transformer.cache_layout().page_tokens, transformer.cache_layout().page_bytes),
      scheduler_({.step_tokens = config.max_batch_tokens,
                  .sequences = config.max_sequences,
                  .cache_bytes = config.cache_bytes,
                  .cost = transformer.cache_layout().cost()},
                 this),
      pace_(config.step_seconds, config.max_batch_tokens) {
  const std::int64_t vocab = transformer_.config().vocab;
  if (config_.sampled_vocab > vocab)
    throw InputError("[engine] sampled_vocab is {}, the model's vocabulary is {}", config_.sampled_vocab, vocab);
  if (config_.sampled_vocab == 0) config_.sampled_vocab = vocab;
  config_.max_sequences = std::min(config_.max_sequences, config_.max_batch_tokens);
  const std::int64_t rollback = transformer_.cache_layout().window_rows - transformer_.config().window;
  if (config_.drafts.most > rollback)
    throw InputError("[engine] drafts.most is {}, the caches take back {} tokens", config_.drafts.most, rollback);
  if (config_.prefix.on && config_.prefix.disk.store)
    disk_ = std::make_unique<PrefixDisk>(config_.prefix.disk, transformer.cache_layout(), transformer.backend());
  if (config_.prefix.interval == 0) config_.prefix.interval = snapshot_interval(transformer.cache_layout().cost());
}

Engine::~Engine() {
  if (!disk_) return;
  for (const auto& [id, sequence] : sequences_) {
    try {
      if (sequence->cache) retire(id);
    } catch (const std::exception&) {  // it is read again, then
    }
  }
}

std::int64_t Engine::context_limit() const {
  return tokens_in(config_.cache_bytes, transformer_.cache_layout().cost(), transformer_.config().max_positions);
}

void Engine::check_request(const GenerationRequest& request) const {
  const ModelConfig& model = transformer_.config();
  request.sampling.validate();
  if (request.prompt.empty()) throw InputError("[engine] the prompt has no tokens");
  for (const std::int32_t id : request.prompt)
    if (id < 0 || id >= model.vocab)
      throw InputError("[engine] token id {} is outside the model's vocabulary of {}", id, model.vocab);
  const auto prompt_tokens = std::ssize(request.prompt);
  for (const std::int64_t tokens : request.snapshot_at)
    if (tokens < 1 || tokens > prompt_tokens)
      throw InputError("[engine] a snapshot is wanted at {} tokens of a prompt of {}", tokens, prompt_tokens);
  if (prompt_tokens >= model.max_positions)
    throw InputError("[engine] the prompt has {} tokens, the model's limit is {} with the answer", prompt_tokens,
                     model.max_positions);
  const std::int64_t tokens =
      prompt_tokens + std::min(request.sampling.max_tokens, model.max_positions - prompt_tokens);
  if (const std::int64_t limit = context_limit(); tokens > limit)
    throw InputError(
        "[engine] prompt and answer may have {} tokens ({} and {}), whose cache takes {} bytes; the memory for caches "
        "is {} bytes, enough for {}",
        tokens, prompt_tokens, tokens - prompt_tokens, transformer_.cache_layout().cost().bytes(tokens),
        config_.cache_bytes, std::max<std::int64_t>(limit, 0));
}

SequenceId Engine::submit(GenerationRequest request) {
  const SequenceId id = next_id_;
  submit_as(id, std::move(request));
  return id;
}

void Engine::submit_as(SequenceId id, GenerationRequest request) {
  check_request(request);
  check(id >= next_id_, "ids of sequences ascend");
  next_id_ = id + 1;
  const auto prompt_tokens = std::ssize(request.prompt);
  request.sampling.max_tokens =
      std::min(request.sampling.max_tokens, transformer_.config().max_positions - prompt_tokens);
  scheduler_.join(id, request.user, prompt_tokens, request.account);
  auto sequence = std::make_unique<Sequence>();
  sequence->id = id;
  sequence->tokens = std::move(request.prompt);
  sequence->prompt_tokens = prompt_tokens;
  sequence->sampling = std::move(request.sampling);
  sequence->constraint = std::move(request.constraint);
  sequence->scope = std::move(request.cache_scope);
  sequence->drafts.acceptance = Acceptance(&acceptance_);
  sequence->snapshot_at = std::move(request.snapshot_at);
  if (disk_) sequence->chain.emplace(disk_->chain(sequence->scope));
  scheduler_.hold(id, disk_ != nullptr);
  sequences_.emplace(id, std::move(sequence));
}

void Engine::cancel(SequenceId id, std::int64_t answered) {
  if (const auto found = sequences_.find(id); found != sequences_.end()) {
    found->second->answered = answered;
    abandon_load(*found->second);
    retire(id);
  }
  scheduler_.leave(id);
  sequences_.erase(id);
}

std::int64_t Engine::tokens_read(SequenceId id) const {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? 0 : found->second->read();
}

std::int64_t Engine::tokens_found(SequenceId id) const {
  const auto found = sequences_.find(id);
  return found == sequences_.end() ? 0 : std::max<std::int64_t>(0, found->second->cached_tokens);
}

EngineFigures Engine::figures() const {
  EngineFigures figures = counts_;
  figures.running = scheduler_.running();
  figures.waiting = scheduler_.waiting();
  figures.cache_bytes = scheduler_.cache_bytes() + bytes();
  figures.disk_dropped = disk_ ? disk_->dropped() : 0;
  figures.kept = tree_.figures();
  figures.short_of_memory = scheduler_.short_of_memory();
  return figures;
}

std::vector<BlockChoices> Engine::expert_choices() const {
  const ModelConfig& model = transformer_.config();
  const ExpertUse& use = transformer_.expert_use();
  std::vector<BlockChoices> choices;
  for (std::int64_t block = 0; block < use.blocks(); ++block)
    choices.push_back({.by_hash = model.routes_by_hash(block), .mtp = block >= model.layers, .times = use.of(block)});
  return choices;
}

// Sequences whose memory could not be had end here; the others go on.
void Engine::take_memory(const StepPlan& plan, std::vector<TokenEvent>& events) {
  counts_.parked += std::ssize(plan.parked);
  for (const SequenceId id : plan.admitted) {
    Sequence& sequence = *sequences_.at(id);
    try {
      sequence.cache.emplace(transformer_.make_cache());
      sequence.drafts.mtp_from = sequence.drafts.mtp_to = 0;
      sequence.pin = std::move(sequence.claim).resume(*sequence.cache, transformer_.backend());
      sequence.claim = {};
      if (sequence.cached_tokens < 0) {  // not one that comes back
        sequence.cached_tokens = sequence.read();
        counts_.cached_tokens += sequence.cached_tokens;
        counts_.hits += sequence.cached_tokens > 0 ? 1 : 0;
        const bool from_disk = sequence.loaded > 0 && sequence.cached_tokens == sequence.on_disk;
        counts_.disk_hits += from_disk ? 1 : 0;
        counts_.disk_tokens += from_disk ? sequence.loaded : 0;
      }
    } catch (const std::exception& fault) {
      end(id, fault.what(), events);
    }
  }
}

Engine::Batch Engine::batch(const StepPlan& plan) {
  Batch batch;
  for (const auto& [id, tokens] : plan.runs) {
    const auto found = sequences_.find(id);
    if (found == sequences_.end()) continue;
    Sequence& sequence = *found->second;
    const std::int64_t known = std::min(tokens, sequence.waiting());
    const Part part{.sequence = &sequence,
                    .id = id,
                    .start = sequence.read(),
                    .tokens = tokens,
                    .drafts = tokens - known,
                    .wants_logits = sequence.waiting() == known};  // only a finished prompt does
    std::span<const std::int32_t> ids =
        std::span(sequence.tokens).subspan(static_cast<std::size_t>(part.start), static_cast<std::size_t>(known));
    if (part.drafts > 0) {
      sequence.drafts.ids.assign(ids.begin(), ids.end());
      for (std::int64_t draft = 0; draft < part.drafts; ++draft)
        sequence.drafts.ids.push_back(sequence.drafts.tokens.at(static_cast<std::size_t>(draft)).token);
      ids = sequence.drafts.ids;
    }
    batch.parts.push_back(part);
    batch.runs.push_back(
        {.cache = &*sequence.cache, .ids = ids, .logits_from = part.wants_logits ? known - 1 : tokens});
  }
  return batch;
}

double Engine::Batch::depth() const {
  double sum = 0.0;
  double tokens = 0.0;
  for (const Part& part : parts) {
    const auto own = static_cast<double>(part.tokens);
    sum += own * (static_cast<double>(part.start) + 0.5 * own);
    tokens += own;
  }
  return tokens > 0.0 ? sum / tokens : 0.0;
}

std::int64_t Engine::Batch::decoding() const {
  return std::count_if(parts.begin(), parts.end(), [](const Part& part) { return part.wants_logits; });
}

TokenEvent Engine::next_token(Sequence& sequence, LogitRows& logits, std::int64_t row) {
  std::vector<std::uint32_t> mask;
  if (sequence.constraint && sequence.constraint->narrows()) {
    mask.resize(static_cast<std::size_t>((config_.sampled_vocab + 31) / 32));
    sequence.constraint->allowed(mask);
  }
  TokenEvent event{.sequence = sequence.id,
                   .token = logits.sample(row, mask),
                   .cached_tokens = sequence.cached_tokens,
                   .fault = {},
                   .drafted = sequence.drafts.drafted,
                   .accepted = sequence.drafts.accepted};
  const std::int32_t token = event.token.token;
  if (sequence.constraint) sequence.constraint->accept(token);
  sequence.tokens.push_back(token);
  if (sequence.ends_with(token)) {
    event.finish = FinishReason::stop;
  } else if (std::ssize(sequence.tokens) - sequence.prompt_tokens >= sequence.sampling.max_tokens) {
    event.finish = FinishReason::length;
  }
  return event;
}

void Engine::end(SequenceId id, const std::string& fault, std::vector<TokenEvent>& events) {
  events.push_back({.sequence = id, .finish = FinishReason::overloaded, .fault = fault});
  sequences_.at(id)->cache.reset();  // nothing of it is kept
  cancel(id);
}

// A drafted token is right when it is the one that is sampled where it stands, from the same logits and with the same
// random numbers as without a draft; behind the first wrong one nothing counts.
void Engine::commit(const Part& part, LogitRows& logits, std::int64_t row, std::vector<TokenEvent>& events) {
  Sequence& sequence = *part.sequence;
  SequenceDrafts& drafts = sequence.drafts;
  std::int64_t accepted = 0;
  while (true) {
    TokenEvent event = next_token(sequence, logits, row + accepted);
    ++counts_.sampled_tokens;
    bool goes_on = false;
    if (accepted < part.drafts) {
      const DraftedToken& guess = drafts.tokens[static_cast<std::size_t>(accepted)];
      const bool right = guess.token == event.token.token;
      drafts.acceptance.note(guess, right);
      acceptance_.note(guess, right);
      goes_on = right && event.finish == FinishReason::none;
      if (accepted == 0) drafts.drafted += part.drafts;
      drafts.accepted += right ? 1 : 0;
      counts_.accepted += right ? 1 : 0;
      event.drafted = drafts.drafted;
      event.accepted = drafts.accepted;
    }
    events.push_back(std::move(event));
    if (!goes_on) break;
    ++accepted;
  }
  counts_.drafted += part.drafts;
  if (part.drafts > 0) sequence.cache->set_tokens(part.start + 1 + accepted);
  scheduler_.grow(part.id, accepted + 1, part.drafts - accepted);
}

// The rest of a row is never looked at. Constraints are asked for their masks later, token by token. A fault of the
// device is no single sequence's: where shortlists tell of it, the whole step ends.
LogitRows Engine::logit_rows(const Batch& batch, const Logits& logits) const {
  std::vector<WantedRow> wanted;
  for (const Part& part : batch.parts) {
    if (!part.wants_logits) continue;
    const Sequence& sequence = *part.sequence;
    for (std::int64_t draft = 0; draft <= part.drafts; ++draft)
      wanted.push_back({.params = sequence.sampling,
                        .position = std::ssize(sequence.tokens) + draft,
                        .needs_all = sequence.constraint != nullptr});
  }
  return {transformer_.backend(), logits, config_.sampled_vocab, std::move(wanted)};
}

Engine::Endings Engine::commit(const Batch& batch, const Logits& logits, std::vector<TokenEvent>& events) {
  Endings endings;
  LogitRows rows = logit_rows(batch, logits);
  std::int64_t row = 0;
  for (const Part& part : batch.parts) {
    if (!part.wants_logits) continue;  // its prompt goes on in the next step
    try {
      commit(part, rows, row, events);
      if (events.back().finish != FinishReason::none) endings.finished.push_back(part.id);
    } catch (const std::exception& fault) {  // of this sequence alone: its logits, its constraint
      endings.faulty.emplace_back(part.id, fault.what());
    }
    row += 1 + part.drafts;
  }
  return endings;
}

std::vector<TokenEvent> Engine::step() {
  if (disk_) advance_loads();
  const StepPlan plan = scheduler_.plan(pace_.room());
  if (plan.runs.empty()) {
    if (loads_ > 0) disk_->wait_for_blobs(kLoadWait);
    return {};
  }
  const Clock::time_point begin = Clock::now();
  std::vector<TokenEvent> events;
  take_memory(plan, events);
  const Batch now = batch(plan);
  if (!now.runs.empty()) {
    try {
      const Logits logits = transformer_.forward_to_sample(now.runs);
      const Endings endings = commit(now, logits, events);
      counts_.prompt_tokens += plan.prompt_tokens;
      if (plan.prompt_tokens == 0) step_costs_.took(rows_of(now.runs), seconds_since(begin));
      for (const auto& [id, fault] : endings.faulty) end(id, fault, events);
      take_snapshots(now);
      for (const SequenceId id : endings.finished) cancel(id);
      if (config_.drafts.most > 0) {
        draft(now);
        const bool alone = plan.prompt_tokens == 0;
        draft_record_.gave(now.decoding(), alone ? std::ssize(events) : 0, alone ? seconds_since(begin) : 0.0);
      }
    } catch (const std::exception& fault) {  // the caches of these sequences may be half written
      for (const auto& [id, tokens] : plan.runs)
        if (sequences_.contains(id)) end(id, fault.what(), events);
    }
  }
  ++counts_.steps;
  pace_.took(plan.prompt_tokens, seconds_since(begin));
  if (disk_ && rows_of(now.runs) == plan.prompt_tokens)
    load_choice_.model_read(plan.prompt_tokens, now.depth(), seconds_since(begin));
  std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  return events;
}

}  // namespace fathom
