// What may follow each sequence is guessed, so that the next step verifies it together with the token that is known
// (docs/speculation.md). Nothing here can change a token: a wrong guess costs time.
#include <algorithm>
#include <functional>
#include <limits>

#include "fathom/engine/engine_drafting.h"

namespace fathom {
namespace {

// Where drafting does not pay it rests, longer each time, and is tried again for some tokens.
constexpr std::int64_t kFirstPause = 32;
constexpr std::int64_t kLongestPause = 1024;
constexpr std::int64_t kTrial = 6;
// Of first tokens right, below which a sequence's drafts are poor, and what they may be at best.
constexpr double kFairShare = 0.5;
constexpr double kGoodShare = 0.9;
// Before an MTP pass was measured: of a step's time.
constexpr double kUnknownDraftShare = 0.2;
// Of one sequence, that a draft's first pass reads: what the step gave.
constexpr double kRowsOfTrunk = 2.0;

}  // namespace

Engine::Drafting::Drafting(Engine& engine, const Batch& batch) : engine_(engine) {
  std::int64_t row = 0;
  for (const Part& part : batch.parts) {
    if (engine.sequences_.contains(part.id)) guesses_.push_back({.part = part, .row = row});
    row += part.tokens;
  }
}

Engine::Drafting::~Drafting() {
  for (Guess& guess : guesses_)
    if (guess.has_constraint) guess.part.sequence->constraint->end_guess();
}

double Engine::Drafting::Guess::all_right() const {
  double right = 1.0;
  for (const DraftedToken& token : tokens) right *= state().acceptance.of(token);
  return right;
}

double Engine::Drafting::Guess::next_right() const {
  return all_right() * state().acceptance.expected(Drafter::mtp, std::ssize(tokens) + 1);
}

void Engine::Drafting::run() {
  decoding_ = std::count_if(guesses_.begin(), guesses_.end(), [](const Guess& guess) { return guess.decodes(); });
  outlook_ = {.tokens = static_cast<double>(decoding_), .rows = decoding_};
  for (Guess& guess : guesses_) begin(guess);
  if (!always() && !engine_.draft_record_.may_draft(decoding_)) return rest_all();
  for (Guess& guess : guesses_) {
    try {
      choose(guess);
    } catch (const std::exception&) {  // of this guess alone
      undo(guess);
      guess.most = 0;
    }
  }
  choose_together();
  read_trunk();
  while (draft_more()) {
  }
  if (!always()) trim();
  for (Guess& guess : guesses_) propose(guess);
}

void Engine::Drafting::begin(Guess& guess) {
  guess.state().tokens.clear();
  if (!guess.decodes()) return;
  Sequence& sequence = *guess.part.sequence;
  const std::int64_t answered = guess.known() - sequence.prompt_tokens;
  // A step gives one token more than it verifies.
  guess.most = std::min({engine_.config_.drafts.most, sequence.sampling.max_tokens - answered - 1,
                         engine_.transformer_.config().max_positions - guess.known()});
  if (guess.most <= 0 || !sequence.constraint) return;
  guess.has_constraint = sequence.constraint->begin_guess();
  if (!guess.has_constraint) guess.most = 0;
}

// What repeats or is the only token that may come is there at once; the MTP block has to be asked.
void Engine::Drafting::choose(Guess& guess) {
  if (guess.most <= 0) return;
  if (!forced(guess)) repeated(guess);
  const DraftDepth there = depth_of(guess);
  const DraftDepth asked = asks(guess) ? expected_of_mtp(guess) : DraftDepth();
  if (asked.depth > 0 && asked.gain > there.gain) {
    undo(guess);
    guess.drafts = true;
    return;
  }
  if (always()) {
    if (guess.tokens.empty()) guess.drafts = engine_.transformer_.can_draft();
    return;
  }
  guess.tokens.resize(static_cast<std::size_t>(there.depth));
  outlook_.rows += there.depth;
  outlook_.tokens += there.tokens;
  if (there.depth == 0 && asks(guess)) rest(guess);
}

// One pass drafts for all: for as many as make the step faster together, those that are most often right.
void Engine::Drafting::choose_together() {
  if (always()) return;
  std::vector<Guess*> asking;
  for (Guess& guess : guesses_)
    if (guess.drafts && !guess.on_trial()) asking.push_back(&guess);
  keep_best(asking, kRowsOfTrunk, kLeastDraftGain);
}

void Engine::Drafting::keep_best(std::vector<Guess*>& asking, double rows_each, double gain) {
  const auto order = [&](const Guess* a, const Guess* b) { return a->next_right() > b->next_right(); };
  std::stable_sort(asking.begin(), asking.end(), order);
  std::vector<double> options;
  options.reserve(asking.size());
  for (const Guess* guess : asking) options.push_back(guess->next_right());
  const auto drafting = [&](std::int64_t rows) {
    return engine_.draft_costs_.seconds(static_cast<std::int64_t>(rows_each * static_cast<double>(rows)));
  };
  const RowChoice choice = best_rows(outlook_, engine_.step_costs_, drafting, options, gain);
  for (std::size_t index = 0; index < asking.size(); ++index) {
    if (index < static_cast<std::size_t>(choice.rows)) {
      ++outlook_.rows;
      outlook_.tokens += options[index];
      continue;
    }
    asking[index]->drafts = false;
    if (asking[index]->tokens.empty()) rest(*asking[index]);
  }
}

// Its drafts do not pay. If that is because they were wrong, some more are tried after the rest; not if the best ones
// would not pay either.
void Engine::Drafting::rest(Guess& guess) {
  SequenceDrafts& state = guess.state();
  const bool was_wrong = state.acceptance.expected(Drafter::mtp, 1) < kFairShare;
  const std::vector<double> good(static_cast<std::size_t>(guess.most), kGoodShare);
  const bool may_pay = was_wrong && best_depth(outlook_of_mtp(), engine_.step_costs_, good, least_gain()).depth > 0;
  state.pause = may_pay ? std::clamp(2 * state.pause, kFirstPause, kLongestPause) : kFirstPause;
  state.pause_until = guess.known() + state.pause;
  state.trial_until = may_pay ? state.pause_until + kTrial : 0;
}

// A sequence's share of what all must gain together.
double Engine::Drafting::least_gain() const {
  return 1.0 + (kLeastDraftGain - 1.0) / static_cast<double>(std::max<std::int64_t>(1, decoding_));
}

// A step without drafts, to compare with or because they made all slower. The MTP block goes on with prompts alone.
void Engine::Drafting::rest_all() {
  for (Guess& guess : guesses_) guess.most = 0;
  read_trunk();
}

DraftDepth Engine::Drafting::depth_of(const Guess& guess) const {
  std::vector<double> rates;
  for (const DraftedToken& token : guess.tokens) rates.push_back(guess.state().acceptance.of(token));
  StepOutlook outlook = outlook_;
  outlook.drafted = std::ssize(guess.tokens);
  return best_depth(outlook, engine_.step_costs_, rates, least_gain());
}

DraftDepth Engine::Drafting::expected_of_mtp(const Guess& guess) const {
  std::vector<double> rates;
  for (std::int64_t depth = 1; depth <= guess.most; ++depth)
    rates.push_back(guess.state().acceptance.expected(Drafter::mtp, depth));
  if (guess.on_trial()) return {.depth = 1, .gain = std::numeric_limits<double>::infinity(), .tokens = rates.front()};
  return best_depth(outlook_of_mtp(), engine_.step_costs_, rates, least_gain());
}

StepOutlook Engine::Drafting::outlook_of_mtp() const {
  StepOutlook outlook = outlook_;
  outlook.draft_seconds = seconds_of_draft();
  return outlook;
}

// A sequence's share of one pass of the MTP block.
double Engine::Drafting::seconds_of_draft() const {
  const std::int64_t together = std::max<std::int64_t>(1, decoding_);
  if (!engine_.draft_costs_.known()) return kUnknownDraftShare * engine_.step_costs_.seconds(1);
  return engine_.draft_costs_.seconds(together) / static_cast<double>(together);
}

// All are there, and what they cost is spent: those that are worth their rows.
void Engine::Drafting::trim() {
  std::vector<double> options;
  for (const Guess& guess : guesses_) {
    double right = 1.0;
    for (const DraftedToken& token : guess.tokens) options.push_back(right *= guess.state().acceptance.of(token));
  }
  std::sort(options.begin(), options.end(), std::greater<>());
  const StepOutlook bare{.tokens = static_cast<double>(decoding_), .rows = decoding_};
  const auto rows = static_cast<std::size_t>(best_rows(bare, engine_.step_costs_, {}, options, 1.0).rows);
  const double least = rows == 0 ? 2.0 : options[rows - 1];
  for (Guess& guess : guesses_) {
    if (guess.on_trial()) continue;
    double right = 1.0;
    std::size_t kept = 0;
    while (kept < guess.tokens.size() && (right *= guess.state().acceptance.of(guess.tokens[kept])) >= least) ++kept;
    guess.tokens.resize(kept);
  }
}

void Engine::Drafting::propose(Guess& guess) {
  if (guess.tokens.empty()) return;
  if (!guess.on_trial() && guess.tokens.front().drafter == Drafter::mtp) guess.state().pause = 0;  // it pays
  guess.state().tokens = guess.tokens;
  engine_.scheduler_.propose(guess.part.id, std::ssize(guess.tokens));
}

// A guess that fails is none: the answers go on without it.
void Engine::draft(const Batch& batch) {
  try {
    Drafting(*this, batch).run();
  } catch (const std::exception&) {
    for (const Part& part : batch.parts) {
      const auto found = sequences_.find(part.id);
      if (found == sequences_.end()) continue;
      found->second->drafts.tokens.clear();
      found->second->drafts.mtp_from = found->second->drafts.mtp_to = 0;
      scheduler_.propose(part.id, 0);
    }
  }
}

}  // namespace fathom
