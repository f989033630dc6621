// What may follow each sequence is guessed, so that the next step verifies it together with the token that is known
// (docs/speculation.md). Nothing here can change a token: a wrong guess costs time.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>

#include "fathom/engine/draft_depth.h"
#include "fathom/engine/engine_sequence.h"

namespace fathom {
namespace {

using Clock = std::chrono::steady_clock;

// Where drafting does not pay it rests, longer each time, and is tried again for some tokens.
constexpr std::int64_t kFirstPause = 32;
constexpr std::int64_t kLongestPause = 1024;
constexpr std::int64_t kTrial = 6;
// Steps, of which one goes without drafts.
constexpr std::int64_t kPlainEvery = 64;
// Before an MTP pass was measured: of a step's time.
constexpr double kUnknownDraftShare = 0.2;

// The MTP block attends to the window alone: of a prompt it reads the end, no more than a small share of all.
std::int64_t warm_up(std::int64_t prompt_tokens, std::int64_t window) {
  constexpr std::int64_t kFewest = 8;
  return std::clamp(prompt_tokens / 8, kFewest, window);
}

}  // namespace

// One round: for all sequences of a step together.
class Engine::Drafting {
 public:
  Drafting(Engine& engine, const Batch& batch) : engine_(engine) {
    std::int64_t row = 0;
    for (const Part& part : batch.parts) {
      if (engine.sequences_.contains(part.id)) guesses_.push_back({.part = part, .row = row});
      row += part.tokens;
    }
  }
  ~Drafting() {
    for (Guess& guess : guesses_)
      if (guess.has_constraint) guess.part.sequence->constraint->end_guess();
  }
  Drafting(const Drafting&) = delete;
  Drafting& operator=(const Drafting&) = delete;

  void run() {
    decoding_ = std::count_if(guesses_.begin(), guesses_.end(), [](const Guess& guess) { return guess.decodes(); });
    outlook_ = {.tokens = static_cast<double>(decoding_), .rows = decoding_};
    for (Guess& guess : guesses_) begin(guess);
    if (measures_plain()) return read_trunk();
    for (Guess& guess : guesses_) choose(guess);
    read_trunk();
    while (draft_more()) {
    }
    outlook_ = {.tokens = static_cast<double>(decoding_), .rows = decoding_};
    for (Guess& guess : guesses_) propose(guess);
  }

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
  };

  bool always() const { return engine_.config_.drafts.always; }

  // What a step without drafts takes must be known to compare with, and be seen again now and then.
  bool measures_plain() {
    if (always() || decoding_ == 0) return false;
    if (++engine_.steps_since_plain_ < kPlainEvery && engine_.step_costs_.knows(decoding_)) return false;
    engine_.steps_since_plain_ = 0;
    return true;
  }

  void begin(Guess& guess) {
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
  void choose(Guess& guess) {
    if (guess.most <= 0) return;
    SequenceDrafts& state = guess.state();
    if (!forced(guess)) repeated(guess);
    const DraftDepth there = depth_of(guess.tokens, state);
    const DraftDepth asked = expected_of_mtp(guess);
    const bool asks =
        engine_.transformer_.has_mtp() && !guess.rests() &&
        (always() ? guess.tokens.empty() : asked.gain > there.gain || (there.depth == 0 && guess.on_trial()));
    if (asks) {
      undo(guess);
      guess.drafts = true;
      return take(asked);
    }
    if (always()) return;
    guess.tokens.resize(static_cast<std::size_t>(there.depth));
    take(there);
    if (there.depth == 0 && engine_.transformer_.has_mtp() && !guess.rests() && engine_.step_costs_.known())
      rest(guess);
  }

  void rest(Guess& guess) {
    SequenceDrafts& state = guess.state();
    state.pause = std::clamp(2 * state.pause, kFirstPause, kLongestPause);
    state.pause_until = guess.known() + state.pause;
    state.trial_until = state.pause_until + kTrial;
  }

  // Other sequences' drafts are beside this one's in the step.
  void take(const DraftDepth& depth) {
    outlook_.rows += depth.depth;
    outlook_.tokens += depth.tokens;
  }

  DraftDepth depth_of(const std::vector<DraftedToken>& tokens, const SequenceDrafts& state) const {
    std::vector<double> rates;
    for (const DraftedToken& token : tokens) rates.push_back(state.acceptance.of(token));
    StepOutlook outlook = outlook_;
    outlook.drafted = std::ssize(tokens);
    return best_depth(outlook, engine_.step_costs_, rates);
  }

  DraftDepth expected_of_mtp(const Guess& guess) const {
    std::vector<double> rates;
    for (const DraftedToken& token : guess.drafts ? guess.tokens : std::vector<DraftedToken>())
      rates.push_back(guess.state().acceptance.of(token));
    for (std::int64_t depth = std::ssize(rates) + 1; depth <= guess.most; ++depth)
      rates.push_back(guess.state().acceptance.expected(Drafter::mtp, depth));
    StepOutlook outlook = outlook_;
    outlook.drafted = guess.drafts ? std::ssize(guess.tokens) : 0;
    outlook.draft_seconds = seconds_of_draft();
    return best_depth(outlook, engine_.step_costs_, rates);
  }

  // A sequence's share of one pass of the MTP block.
  double seconds_of_draft() const {
    const std::int64_t together = std::max<std::int64_t>(1, decoding_);
    if (!engine_.draft_costs_.known()) return kUnknownDraftShare * engine_.step_costs_.seconds(1);
    return engine_.draft_costs_.seconds(together) / static_cast<double>(together);
  }

  // What the answer's constraint lets come behind what is guessed so far; empty: all.
  std::vector<std::uint32_t> mask(const Guess& guess) const {
    std::vector<std::uint32_t> words;
    if (!guess.has_constraint || !guess.part.sequence->constraint->narrows()) return words;
    words.resize(static_cast<std::size_t>((engine_.config_.sampled_vocab + 31) / 32));
    guess.part.sequence->constraint->allowed(words);
    return words;
  }

  bool is_end(const Guess& guess, std::int32_t token) const {
    const auto& stops = guess.part.sequence->sampling.stop_tokens;
    return std::find(stops.begin(), stops.end(), token) != stops.end();
  }

  void add(Guess& guess, std::int32_t token, Drafter drafter, std::int64_t surety) {
    guess.tokens.push_back(
        {.token = token, .drafter = drafter, .depth = std::ssize(guess.tokens) + 1, .surety = surety});
    if (guess.has_constraint) guess.part.sequence->constraint->accept(token);
  }

  void undo(Guess& guess) {
    guess.tokens.clear();
    if (!guess.has_constraint) return;
    guess.part.sequence->constraint->end_guess();
    guess.has_constraint = guess.part.sequence->constraint->begin_guess();
  }

  bool forced(Guess& guess) {
    while (guess.has_constraint && std::ssize(guess.tokens) < guess.most) {
      const std::vector<std::uint32_t> words = mask(guess);
      std::int32_t token = -1;
      std::int64_t allowed = 0;
      for (std::size_t word = 0; word < words.size() && allowed <= 1; ++word) {
        allowed += std::popcount(words[word]);
        if (words[word] != 0) token = static_cast<std::int32_t>(word * 32) + std::countr_zero(words[word]);
      }
      if (allowed != 1) break;
      add(guess, token, Drafter::forced, 0);
      if (is_end(guess, token)) break;
    }
    return !guess.tokens.empty();
  }

  void repeated(Guess& guess) {
    const std::vector<std::int32_t>& text = guess.part.sequence->tokens;
    const RepetitionIndex::Match match = guess.state().repetitions.find(text);
    if (match.next == 0) return;
    for (std::int64_t place = match.next; std::ssize(guess.tokens) < guess.most; ++place) {
      const std::int64_t behind = place - std::ssize(text);  // a text that repeats goes on in what is guessed
      const std::int32_t token =
          behind < 0 ? text[static_cast<std::size_t>(place)] : guess.tokens[static_cast<std::size_t>(behind)].token;
      const std::vector<std::uint32_t> words = mask(guess);
      if (token >= engine_.config_.sampled_vocab) return;
      if (!words.empty() && ((words[static_cast<std::size_t>(token) / 32] >> (token % 32)) & 1U) == 0) return;
      add(guess, token, Drafter::lookup, surety_of_match(match.length));
      if (is_end(guess, token)) return;
    }
  }

  // Positions whose streams the MTP block takes now, [from, cache's tokens): new ones of this step whose next token is
  // known, beginning near a prompt's end.
  std::int64_t first_of_trunk(const Guess& guess) const {
    const Sequence& sequence = *guess.part.sequence;
    const SequenceDrafts& state = guess.state();
    if (state.mtp_to > state.mtp_from && state.mtp_to == guess.part.start) return guess.part.start;
    const std::int64_t warm = warm_up(sequence.prompt_tokens, engine_.transformer_.config().window);
    return std::max(guess.part.start, sequence.prompt_tokens - 1 - warm);
  }

  // The true streams of what was read, and the first drafted token behind them.
  void read_trunk() {
    if (!engine_.transformer_.has_mtp()) return;
    Pass pass;
    for (Guess& guess : guesses_) {
      Sequence& sequence = *guess.part.sequence;
      SequenceDrafts& state = guess.state();
      const std::int64_t from = first_of_trunk(guess);
      const std::int64_t end = sequence.read();
      if (from >= end || (guess.decodes() && !guess.drafts && (guess.rests() || guess.most <= 0))) continue;
      if (state.mtp_to == state.mtp_from || state.mtp_to != from) state.mtp_from = from;
      sequence.cache->set_mtp_tokens(from - state.mtp_from);
      state.mtp_to = end;
      pass.add(
          guess,
          std::span(sequence.tokens).subspan(static_cast<std::size_t>(from + 1), static_cast<std::size_t>(end - from)),
          engine_.transformer_.final_streams().rows(guess.row + from - guess.part.start, end - from));
    }
    run(pass);
  }

  // Each drafted token leads to the next.
  bool draft_more() {
    Pass pass;
    for (Guess& guess : guesses_) {
      if (!guess.drafts || guess.streams_row < 0) continue;
      if (!goes_on(guess)) {
        guess.drafts = false;
        continue;
      }
      pass.add(guess, std::span(&guess.tokens.back().token, 1),
               engine_.transformer_.draft_streams().rows(guess.streams_row, 1));
    }
    run(pass);
    return !pass.runs.empty();
  }

  bool goes_on(const Guess& guess) const {
    const std::int64_t drafted = std::ssize(guess.tokens);
    if (drafted >= guess.most || is_end(guess, guess.tokens.back().token)) return false;
    return always() || expected_of_mtp(guess).depth > drafted;
  }

  struct Pass {
    std::vector<Guess*> guesses = {};
    std::vector<std::vector<std::int32_t>> ids = {};
    std::vector<View<const float, 3>> streams = {};
    std::vector<BatchRun> runs = {};

    void add(Guess& guess, std::span<const std::int32_t> of, View<const float, 3> rows) {
      guesses.push_back(&guess);
      ids.emplace_back(of.begin(), of.end());
      streams.push_back(rows);
      const auto count = std::ssize(of);
      runs.push_back({.cache = &*guess.part.sequence->cache,
                      .ids = ids.back(),  // whose memory stays where it is
                      .logits_from = guess.drafts ? count - 1 : count});
    }
  };

  void run(const Pass& pass) {
    if (pass.runs.empty()) return;
    const Clock::time_point start = Clock::now();
    const auto logits = engine_.transformer_.draft(pass.runs, engine_.transformer_.gather_streams(pass.streams));
    std::vector<float> row(static_cast<std::size_t>(engine_.config_.sampled_vocab));
    std::int64_t rows = 0;
    std::int64_t wanted = 0;
    for (std::size_t index = 0; index < pass.runs.size(); ++index) {
      Guess& guess = *pass.guesses[index];
      rows += std::ssize(pass.runs[index].ids);
      guess.streams_row = rows - 1;
      if (!guess.drafts) continue;
      engine_.transformer_.backend().download(reinterpret_cast<const std::byte*>(logits[wanted++].data()),
                                              std::as_writable_bytes(std::span(row)));
      guess.drafts = guess_next(guess, row);
    }
    engine_.draft_costs_.took(rows, std::chrono::duration<double>(Clock::now() - start).count());
  }

  // Drawn with the random numbers that the answer's own token will be drawn with, so that both tend to agree.
  bool guess_next(Guess& guess, std::span<const float> logits) {
    if (!std::all_of(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); })) return false;
    const Sequence& sequence = *guess.part.sequence;
    SamplingParams sampling = sequence.sampling;
    sampling.top_logprobs = -1;
    const std::int64_t position = guess.known() + std::ssize(guess.tokens);
    const std::int32_t token = sample(logits, sampling, position, mask(guess)).token;
    float other = -std::numeric_limits<float>::infinity();
    for (std::size_t id = 0; id < logits.size(); ++id)
      if (static_cast<std::int32_t>(id) != token) other = std::max(other, logits[id]);
    add(guess, token, Drafter::mtp, surety_of_margin(logits[static_cast<std::size_t>(token)] - other));
    return true;
  }

  // All are there: those that are worth their rows.
  void propose(Guess& guess) {
    if (guess.tokens.empty()) return;
    if (!always() && !guess.on_trial()) {
      const DraftDepth depth = depth_of(guess.tokens, guess.state());
      take(depth);
      guess.tokens.resize(static_cast<std::size_t>(depth.depth));
    }
    if (guess.tokens.empty()) return;
    if (!guess.on_trial()) guess.state().pause = 0;
    guess.state().tokens = guess.tokens;
    engine_.scheduler_.propose(guess.part.id, std::ssize(guess.tokens));
  }

  Engine& engine_;
  std::vector<Guess> guesses_;
  std::int64_t decoding_ = 0;
  StepOutlook outlook_;
};

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
