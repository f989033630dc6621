// Guesses at what follows each sequence: by its grammar, by its own text, by the MTP block (docs/speculation.md).
#include <algorithm>
#include <bit>
#include <chrono>
#include <limits>

#include "fathom/engine/engine_drafting.h"

namespace fathom {
namespace {

using Clock = std::chrono::steady_clock;

// The MTP block attends to the window alone: of a text it reads the end, no more than a small share of all.
std::int64_t warm_up(std::int64_t tokens, std::int64_t window) {
  constexpr std::int64_t kFewest = 8;
  return std::clamp(tokens / 8, kFewest, window);
}

}  // namespace

void Engine::Drafting::Pass::add(Guess& guess, std::span<const std::int32_t> of, View<const float, 3> rows) {
  guesses.push_back(&guess);
  ids.emplace_back(of.begin(), of.end());
  streams.push_back(rows);
  const auto count = std::ssize(of);
  runs.push_back({.cache = &*guess.part.sequence->cache,
                  .ids = ids.back(),  // whose memory stays where it is
                  .logits_from = guess.drafts ? count - 1 : count});
}

// What the answer's constraint lets come behind what is guessed so far; empty: all.
std::vector<std::uint32_t> Engine::Drafting::mask(const Guess& guess) const {
  std::vector<std::uint32_t> words;
  if (!guess.has_constraint || !guess.part.sequence->constraint->narrows()) return words;
  words.resize(static_cast<std::size_t>((engine_.config_.sampled_vocab + 31) / 32));
  guess.part.sequence->constraint->allowed(words);
  return words;
}

void Engine::Drafting::add(Guess& guess, std::int32_t token, Drafter drafter, std::int64_t surety) {
  guess.tokens.push_back({.token = token, .drafter = drafter, .depth = std::ssize(guess.tokens) + 1, .surety = surety});
  if (guess.has_constraint) guess.part.sequence->constraint->accept(token);
}

void Engine::Drafting::undo(Guess& guess) {
  guess.tokens.clear();
  if (!guess.has_constraint) return;
  guess.part.sequence->constraint->end_guess();
  guess.has_constraint = guess.part.sequence->constraint->begin_guess();
}

bool Engine::Drafting::forced(Guess& guess) {
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
    if (guess.part.sequence->ends_with(token)) break;
  }
  return !guess.tokens.empty();
}

void Engine::Drafting::repeated(Guess& guess) {
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
    if (guess.part.sequence->ends_with(token)) return;
  }
}

// Positions whose streams the MTP block takes now, [from, cache's tokens): new ones of this step whose next token is
// known, beginning near a prompt's end.
std::int64_t Engine::Drafting::first_of_trunk(const Guess& guess) const {
  const SequenceDrafts& state = guess.state();
  if (state.mtp_to > state.mtp_from && state.mtp_to == guess.part.start) return guess.part.start;
  const std::int64_t warm = warm_up(guess.known(), engine_.transformer_.config().window);
  return std::max(guess.part.start, guess.known() - 1 - warm);
}

// The true streams of what was read, and the first drafted token behind them.
void Engine::Drafting::read_trunk() {
  if (!engine_.transformer_.can_draft()) return;
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
bool Engine::Drafting::draft_more() {
  std::vector<Guess*> asking;
  for (Guess& guess : guesses_) {
    if (!guess.drafts || guess.streams_row < 0) continue;
    guess.drafts = std::ssize(guess.tokens) < guess.most &&
                   !guess.part.sequence->ends_with(guess.tokens.back().token) && (always() || !guess.on_trial());
    if (guess.drafts) asking.push_back(&guess);
  }
  if (!always()) keep_best(asking, 1.0, 1.0);
  Pass pass;
  for (Guess* guess : asking)
    if (guess->drafts)
      pass.add(*guess, std::span(&guess->tokens.back().token, 1),
               engine_.transformer_.draft_streams().rows(guess->streams_row, 1));
  run(pass);
  return !pass.runs.empty();
}

void Engine::Drafting::run(const Pass& pass) {
  if (pass.runs.empty()) return;
  const Clock::time_point start = Clock::now();
  const Logits logits =
      engine_.transformer_.draft_to_sample(pass.runs, engine_.transformer_.gather_streams(pass.streams));
  std::vector<WantedRow> asked;
  for (const Guess* guess : pass.guesses)
    if (guess->drafts) asked.push_back(wanted_row(*guess));
  LogitRows found(engine_.transformer_.backend(), logits, engine_.config_.sampled_vocab, std::move(asked));
  std::int64_t rows = 0;
  std::int64_t wanted = 0;
  for (std::size_t index = 0; index < pass.runs.size(); ++index) {
    Guess& guess = *pass.guesses[index];
    rows += std::ssize(pass.runs[index].ids);
    guess.streams_row = rows - 1;
    if (!guess.drafts) continue;
    found.bring(wanted);  // a fault of the device is nobody's guess
    try {
      guess_next(guess, found, wanted++);
    } catch (const std::exception&) {  // of this guess alone: no number, nothing that may come
      undo(guess);
      guess.drafts = false;
    }
  }
  if (wanted == std::ssize(pass.runs))
    engine_.draft_costs_.took(rows, std::chrono::duration<double>(Clock::now() - start).count());
}

// Drawn with the random numbers that the answer's own token will be drawn with, so that both tend to agree.
WantedRow Engine::Drafting::wanted_row(const Guess& guess) const {
  WantedRow wanted = {.params = guess.part.sequence->sampling,
                      .position = guess.known() + std::ssize(guess.tokens),
                      .needs_all = guess.has_constraint || engine_.config_.drafts.oracle};
  wanted.params.top_logprobs = -1;
  // Best first sorts the whole vocabulary; what matters of it is at its beginning.
  constexpr std::int64_t kBest = 64;
  if (wanted.params.top_p < 1.0 && wanted.params.top_k == 0) wanted.params.top_k = kBest;
  return wanted;
}

void Engine::Drafting::guess_next(Guess& guess, LogitRows& logits, std::int64_t row) {
  const std::int64_t position = guess.known() + std::ssize(guess.tokens);
  std::int32_t token = logits.sample(row, mask(guess)).token;
  if (engine_.config_.drafts.oracle) token = engine_.config_.drafts.oracle(position, std::ssize(guess.tokens) + 1);
  add(guess, token, Drafter::mtp, surety_of_margin(logits.margin_of(row, token)));
}

}  // namespace fathom
