// Time and memory: which sequences run now and how many tokens each. It knows token ids, never text.
//
//   step() = admit, plan, batch, forward, mask, sample, commit
//
// Prefill in chunks, decode and mixtures of both take that one path; what a sequence gets does not depend on its
// company.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fathom/engine/acceptance.h"
#include "fathom/engine/chunk_pace.h"
#include "fathom/engine/draft_record.h"
#include "fathom/engine/load_choice.h"
#include "fathom/engine/logit_rows.h"
#include "fathom/engine/prefix_disk.h"
#include "fathom/engine/prefix_tree.h"
#include "fathom/engine/sampler.h"
#include "fathom/engine/scheduler.h"
#include "fathom/engine/step_costs.h"
#include "fathom/engine/token_constraint.h"
#include "fathom/model/transformer.h"

namespace fathom {

// What is kept of prompts and answers, so that a request that begins the same need not read it (docs/prefix_cache.md).
struct PrefixCacheConfig {
  bool on = false;
  std::int64_t minimum = 1024;  // tokens that must be equal, or there is no hit
  std::int64_t interval = 0;    // tokens between snapshots in long texts; 0: by the bytes of a snapshot
  std::int64_t bytes = 0;       // of all that is kept; 0: what EngineConfig::cache_bytes has left
  PrefixDiskConfig disk = {};   // where it is kept besides, across restarts
};

// Tokens that are guessed and verified together with the one before them (docs/speculation.md). No answer depends on
// it.
struct DraftConfig {
  std::int64_t most = 0;  // in a step, of one sequence; 0: none. The cache's rollback_tokens must allow them
  bool always = false;    // as many as there may be, whether they pay or not
  // For measurements on weights that mean nothing: the token that the MTP block drafts for a place of a text, the first
  // of its draft or a later one, after it has done its work. None: what it says.
  std::function<std::int32_t(std::int64_t place, std::int64_t depth)> oracle = {};
};

struct EngineConfig {
  std::int64_t max_batch_tokens = 512;  // tokens one step may carry, over all sequences
  std::int64_t max_sequences = 64;      // that run at a time, no more than max_batch_tokens; others wait
  // Of all running sequences' caches; 0: no limit. A sequence whose cache could not be held alone is refused.
  std::int64_t cache_bytes = 0;
  // A step with prompts beside sequences that decode should take so long; 0: as long as max_batch_tokens take.
  double step_seconds = 0.0;
  // Only ids below it are sampled, and logprobs are of the softmax over them; 0: all of the model's. The rows of a
  // model's head may be padded beyond its tokenizer's ids, and such an id stands for no text.
  std::int64_t sampled_vocab = 0;
  PrefixCacheConfig prefix = {};
  DraftConfig drafts = {};

  void validate() const;
};

// overloaded: the machine, not the request, ended it; the event has no token.
enum class FinishReason : std::uint8_t { none, stop, length, overloaded };

struct GenerationRequest {
  std::vector<std::int32_t> prompt;  // not empty
  SamplingParams sampling;
  std::shared_ptr<TokenConstraint> constraint = nullptr;  // none: every token may come
  std::string user = {};                                  // whose share of the machine it takes; empty: nobody's
  std::string account = {};                               // whose user that is; empty: the user's own
  std::string cache_scope = {};                           // whose prefixes it may find, exactly this one's
  // Lengths of the prompt where others may part from it: the cache is to keep a state there, or what is found of it
  // begins at an earlier one. Changes no answer.
  std::vector<std::int64_t> snapshot_at = {};
};

struct TokenEvent {
  SequenceId sequence = 0;
  SampledToken token = {};
  FinishReason finish = FinishReason::none;  // anything but none: the sequence's last event
  std::int64_t cached_tokens = 0;            // of the prompt, found in the cache
  std::string fault = {};                    // of ours, where it ended the sequence
  std::int64_t drafted = 0;                  // tokens that were guessed for it, so far
  std::int64_t accepted = 0;                 // of them, those that were right
};

inline constexpr std::int64_t kAllAnswered = std::numeric_limits<std::int64_t>::max();

struct EngineFigures {
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  std::int64_t cache_bytes = 0;     // of running sequences and what is kept, what they share once
  bool short_of_memory = false;     // somebody waits for memory, not for a place
  std::int64_t prompt_tokens = 0;   // read since the start
  std::int64_t sampled_tokens = 0;  // since the start
  std::int64_t parked = 0;          // caches given up since the start, for want of memory
  std::int64_t steps = 0;
  std::int64_t cached_tokens = 0;  // of prompts, found in the cache since the start
  std::int64_t hits = 0;           // requests that found some
  std::int64_t disk_tokens = 0;    // of cached_tokens, those that came from disk
  std::int64_t disk_hits = 0;      // requests that found more on disk than in memory
  std::int64_t disk_forgone = 0;   // prefixes that were read by the model, as that seemed quicker
  std::int64_t disk_dropped = 0;   // blobs that were not handed over to be written
  std::int64_t drafted = 0;        // tokens that were guessed and verified since the start
  std::int64_t accepted = 0;       // of them, those that were right
  PrefixTreeFigures kept = {};
};

// What a block's router has chosen since the start. Counted are tokens that were read, drafts that came to nothing too.
struct BlockChoices {
  bool by_hash = false;             // it goes by the token's id alone
  bool mtp = false;                 // it drafts
  std::vector<std::int64_t> times;  // [experts]
};

class Engine : private KeptMemory {
 public:
  // InputError when the config cannot be or asks for ids that the model does not have.
  Engine(Transformer& transformer, const EngineConfig& config);
  // What still runs is kept on disk, as if it were cancelled.
  ~Engine() override;

  // InputError when the prompt is empty, holds an unknown id, leaves no room for an answer or needs more memory than
  // there is for any. Any thread may ask.
  void check_request(const GenerationRequest& request) const;
  // Checks, and takes it. It waits for its turn.
  SequenceId submit(GenerationRequest request);
  // The same under an id of the caller's, larger than all before.
  void submit_as(SequenceId id, GenerationRequest request);
  // Forgets a sequence; it gives no further events. Unknown ids are ignored. What is kept of it ends behind so many
  // tokens of the answer, if its cache can go back so far: the next turn does not know what came after them.
  void cancel(SequenceId id, std::int64_t answered = kAllAnswered);
  // One pass over the model. The sampled tokens, in order of submission; empty while prompts are still read, or when
  // idle. A fault of the machine ends the sequences that it meets, and is told in their events.
  std::vector<TokenEvent> step();
  bool idle() const { return sequences_.empty(); }

  // Prompt tokens that are read already of a running sequence, for progress.
  std::int64_t tokens_read(SequenceId id) const;
  // Of those, how many were found in the cache when it began to run.
  std::int64_t tokens_found(SequenceId id) const;
  // Of prompt and answer that the memory for caches holds; the model's limit where there is none.
  std::int64_t context_limit() const;
  EngineFigures figures() const;
  std::vector<BackendFigure> backend_figures() const { return transformer_.backend().figures(); }  // any thread
  // Block by block, where the backend lets them be counted, else none. Any thread may ask.
  std::vector<BlockChoices> expert_choices() const;
  const EngineConfig& config() const { return config_; }

 private:
  struct Sequence;
  // Of the batch, that of one sequence.
  struct Part {
    Sequence* sequence = nullptr;
    SequenceId id = 0;         // it may be gone
    std::int64_t start = 0;    // positions that its cache had
    std::int64_t tokens = 0;   // that it reads
    std::int64_t drafts = 0;   // of them, guessed
    bool wants_logits = true;  // of its last token, and of those before its drafts
  };
  struct Batch {
    std::vector<Part> parts;
    std::vector<BatchRun> runs;  // one per part

    std::int64_t decoding() const;  // how many want logits
    double depth() const;           // of its tokens, on average
  };
  // Sequences whose answers are over, and those that a fault of their own met.
  struct Endings {
    std::vector<SequenceId> finished;
    std::vector<std::pair<SequenceId, std::string>> faulty;
  };
  Claim claim(SequenceId id) override;
  void forgo(SequenceId id) override;
  void retire(SequenceId id) override;
  std::int64_t bytes() const override { return tree_.bytes() + load_bytes_; }
  std::int64_t spare_bytes() const override { return tree_.spare_bytes() + load_bytes_; }
  void release(std::int64_t bytes) override;
  void plan_snapshot(Sequence& sequence, std::int64_t read) const;
  // How far it is kept: all that was read, or what of it was answered.
  std::int64_t tokens_to_keep(const Sequence& sequence) const;
  void take_snapshots(const Batch& batch);
  // Gives up what is kept beyond its limit; false where running sequences hold too much of it.
  bool keep_within_limit(std::int64_t more_bytes);
  // What lies on disk (engine_disk.cpp).
  void look_on_disk(Sequence& sequence);
  bool is_worth_a_load(Sequence& sequence, std::int64_t in_memory, std::int64_t pages);
  bool reserve(std::int64_t bytes);
  void advance_loads();
  void finish_load(Sequence& sequence, bool whole);
  void abandon_load(Sequence& sequence);
  bool is_worth_a_look(const Sequence& sequence, std::int64_t found) const;
  void put_pages(Sequence& sequence);
  void put_snapshot(Sequence& sequence, const CacheSnapshot& snapshot);
  bool is_worth_writing(Sequence& sequence, std::int64_t tokens);

  void take_memory(const StepPlan& plan, std::vector<TokenEvent>& events);
  Batch batch(const StepPlan& plan);
  Endings commit(const Batch& batch, const Logits& logits, std::vector<TokenEvent>& events);
  // The part's rows of logits begin at `row`.
  void commit(const Part& part, LogitRows& logits, std::int64_t row, std::vector<TokenEvent>& events);
  LogitRows logit_rows(const Batch& batch, const Logits& logits) const;
  TokenEvent next_token(Sequence& sequence, LogitRows& logits, std::int64_t row);
  void end(SequenceId id, const std::string& fault, std::vector<TokenEvent>& events);
  // What may follow is guessed (engine_drafts.cpp).
  class Drafting;
  void draft(const Batch& batch);

  Transformer& transformer_;
  EngineConfig config_;
  PrefixTree tree_;  // outlives the sequences, which pin what they share
  Scheduler scheduler_;
  std::unique_ptr<PrefixDisk> disk_;  // none: nothing goes there
  std::int64_t loads_ = 0;            // on their way
  std::int64_t load_bytes_ = 0;       // of memory that they will have
  LoadChoice load_choice_;
  ChunkPace pace_;
  std::map<SequenceId, std::unique_ptr<Sequence>> sequences_;
  SequenceId next_id_ = 0;
  StepCosts step_costs_;   // of steps without prompts
  StepCosts draft_costs_;  // of the MTP block's passes
  Acceptance acceptance_;  // of all sequences
  DraftRecord draft_record_;
  EngineFigures counts_;  // those since the start
};

}  // namespace fathom
