// One round of guesses for all sequences of a step together (docs/speculation.md). For engine_drafts.cpp, which
// decides, and engine_guesses.cpp, which guesses, alone.
#pragma once

#include <functional>

#include "fathom/engine/draft_depth.h"
#include "fathom/engine/engine_sequence.h"

namespace fathom {

class Engine::Drafting {
 public:
  Drafting(Engine& engine, const Batch& batch);
  ~Drafting();
  Drafting(const Drafting&) = delete;
  Drafting& operator=(const Drafting&) = delete;

  void run();

 private:
  struct Guess {
    Part part;
    std::int64_t row = 0;   // of its first token, in the trunk's streams
    std::int64_t most = 0;  // tokens that may be drafted
    std::vector<DraftedToken> tokens = {};
    bool drafts = false;            // by the MTP block, until it stops
    bool has_constraint = false;    // of which a guess has begun
    std::int64_t streams_row = -1;  // its newest, in the last draft's streams; -1: none

    SequenceDrafts& state() const { return part.sequence->drafts; }
    std::int64_t known() const { return std::ssize(part.sequence->tokens); }
    bool decodes() const { return part.wants_logits; }
    bool rests() const { return known() < state().pause_until; }
    bool on_trial() const { return known() < state().trial_until; }
    // Of all its tokens to be right.
    double all_right() const;
    // Of one more, by the MTP block.
    double next_right() const;
  };
  // Of the MTP block.
  struct Pass {
    std::vector<Guess*> guesses = {};
    std::vector<std::vector<std::int32_t>> ids = {};
    std::vector<View<const float, 3>> streams = {};
    std::vector<BatchRun> runs = {};

    void add(Guess& guess, std::span<const std::int32_t> of, View<const float, 3> rows);
  };

  bool always() const { return engine_.config_.drafts.always; }
  bool asks(const Guess& guess) const { return engine_.transformer_.can_draft() && !guess.rests() && !always(); }
  void begin(Guess& guess);

  // Who drafts, and how many (engine_drafts.cpp).
  void choose(Guess& guess);
  void choose_together();
  void keep_best(std::vector<Guess*>& asking, double rows_each, double gain);
  void rest(Guess& guess);
  void rest_all();
  DraftDepth depth_of(const Guess& guess) const;
  DraftDepth expected_of_mtp(const Guess& guess) const;
  StepOutlook outlook_of_mtp() const;
  double seconds_of_draft() const;
  double least_gain() const;
  void trim();
  void propose(Guess& guess);

  // The guesses themselves (engine_guesses.cpp).
  std::vector<std::uint32_t> mask(const Guess& guess) const;
  void add(Guess& guess, std::int32_t token, Drafter drafter, std::int64_t surety);
  void undo(Guess& guess);
  bool forced(Guess& guess);
  void repeated(Guess& guess);
  std::int64_t first_of_trunk(const Guess& guess) const;
  void read_trunk();
  bool draft_more();
  void run(const Pass& pass);
  WantedRow wanted_row(const Guess& guess) const;
  void guess_next(Guess& guess, LogitRows& logits, std::int64_t row);

  Engine& engine_;
  std::vector<Guess> guesses_;
  std::int64_t decoding_ = 0;
  StepOutlook outlook_;  // of the next step, with what is chosen so far
};

}  // namespace fathom
