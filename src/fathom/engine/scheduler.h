// What runs in the next step: which sequences, how many tokens each. Pure bookkeeping over counts; the engine does what
// it says. Nothing here changes what a sequence gets, only when (docs/invariance.md).
//
//   waiting ──admit──▶ running: reads its prompt in chunks, then one token a step ──▶ leave
//      ▲                  │
//      └─────park─────────┘  memory ran out: its cache is given up, later it reads all of its tokens again
//
// - Whoever decodes goes in every step, one token each and what is drafted behind it (docs/speculation.md): a long
// prompt
//   stalls nobody.
// - What is left of the step is shared among prompts in quanta, the least served account first, of it the least served
//   user and of a user the least served sequence. A sequence without a user is a user of its own, a user without an
//   account an account of its own: many users make an account no larger.
// - A sequence is admitted when its tokens fit into the memory that is free. Caches grow a page at a time; when there
//   is no page left, the sequence that came last is parked. The first one always goes on. What is kept goes before
//   anyone is parked.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "fathom/engine/fair_share.h"
#include "fathom/model/cache_layout.h"

namespace fathom {

using SequenceId = std::int64_t;

// What earlier sequences left behind, in the same memory: it is given up as soon as one that runs wants it.
class KeptMemory {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  struct Claim {
    std::int64_t tokens = 0;     // that need not be read
    std::int64_t pages = 0;      // of theirs, full, which stay counted here
    std::int64_t stop = kNever;  // as Scheduler::stop_at
    bool wait = false;           // it is held: what it begins with must come first
  };

  virtual ~KeptMemory() = default;
  // What a sequence may begin with; held for it until it is admitted or forgoes it.
  virtual Claim claim(SequenceId id) = 0;
  virtual void forgo(SequenceId id) = 0;
  // Its cache goes; whatever stays of it is counted here.
  virtual void retire(SequenceId id) = 0;
  virtual std::int64_t bytes() const = 0;
  virtual std::int64_t spare_bytes() const = 0;  // that release() could give
  virtual void release(std::int64_t bytes) = 0;
};

struct SchedulerLimits {
  std::int64_t step_tokens = 1;  // in one step, over all sequences
  std::int64_t sequences = 1;    // running at a time; no more than step_tokens
  std::int64_t cache_bytes = 0;  // of all running sequences and what is kept; 0: no limit
  CacheCost cost = {};
};

struct ScheduledRun {
  SequenceId sequence = 0;
  std::int64_t tokens = 0;
};

struct StepPlan {
  std::vector<SequenceId> parked;    // their caches go first
  std::vector<SequenceId> admitted;  // need a cache
  std::vector<ScheduledRun> runs;    // decoding ones first
  std::int64_t prompt_tokens = 0;    // in runs, of those that do not decode
};

class Scheduler {
 public:
  // `kept` outlives it; none: nothing is kept.
  explicit Scheduler(const SchedulerLimits& limits, KeptMemory* kept = nullptr);

  // A new sequence of that many tokens; ids ascend. `user` empty: nobody's. `account` empty: the user is one by itself.
  void join(SequenceId id, const std::string& user, std::int64_t tokens, const std::string& account = {});
  void leave(SequenceId id);
  // So many tokens more, which the next steps may take; of those that the last one took, `rejected` are not among them.
  void grow(SequenceId id, std::int64_t tokens = 1, std::int64_t rejected = 0);
  // Its next step may take so many drafted tokens behind its own, where there is room for them.
  void propose(SequenceId id, std::int64_t drafts);

  // Held ones are not admitted: what they begin with is on its way.
  void hold(SequenceId id, bool held) { sequences_.at(id).held = held; }
  // A step reads a prompt up to there and no further.
  void stop_at(SequenceId id, std::int64_t tokens);
  // So many of its full pages are counted with what is kept.
  void share(SequenceId id, std::int64_t pages);
  // Makes so much room by giving up what is kept; false when there is not enough of it, and nothing is given up.
  bool free_up(std::int64_t bytes);

  // What the next step does; taken as done. `prompt_room`: tokens of prompts, beside sequences that decode.
  StepPlan plan(std::int64_t prompt_room);

  std::int64_t running() const { return running_; }
  std::int64_t waiting() const { return std::ssize(sequences_) - running_; }
  std::int64_t cache_bytes() const { return used_bytes_; }
  // Somebody waits although more might run: for memory.
  bool short_of_memory() const { return short_of_memory_; }

 private:
  struct Sequence {
    std::string user;           // whose share, of its own where it is nobody's
    std::string account;        // of the user
    std::int64_t tokens = 0;    // known: prompt and what was sampled
    std::int64_t read = 0;      // of them, through the model
    std::int64_t pages_to = 0;  // tokens that its memory is counted for
    std::int64_t shared = 0;    // pages that are counted with what is kept
    std::int64_t stop = KeptMemory::kNever;
    std::int64_t drafts = 0;  // for its next step
    bool running = false;
    bool held = false;
    bool answers = false;  // has sampled since it was admitted

    bool decodes() const { return running && answers && tokens - read == 1; }
    bool reads() const { return running && tokens > read && read < stop && !decodes(); }
  };
  using Entry = std::map<SequenceId, Sequence>::iterator;

  void admit(StepPlan& plan);
  Entry next_to_admit();  // the end where all that wait are held
  void decode(StepPlan& plan);
  std::int64_t room_for_drafts(Sequence& sequence, std::int64_t rows_left);
  void read_prompts(StepPlan& plan, std::int64_t room);
  std::vector<Entry> by_share(bool (Sequence::*wanted)() const);
  // False when it is the sequence itself that had to be parked.
  bool make_room(Entry growing, StepPlan& plan);
  void park(Entry entry);
  void take(Entry entry, std::int64_t tokens, double cost);
  std::int64_t own_bytes(const Sequence& sequence) const;

  SchedulerLimits limits_;
  KeptMemory* kept_;
  std::map<SequenceId, Sequence> sequences_;
  FairShare<std::string> accounts_;
  FairShare<std::string> users_;
  std::map<std::string, FairShare<SequenceId>> of_user_;
  std::int64_t running_ = 0;
  std::int64_t used_bytes_ = 0;
  bool short_of_memory_ = false;
  bool parked_since_leave_ = false;  // nobody is admitted until somebody leaves, or it would only be parked again
};

}  // namespace fathom
