#include "fathom/grammar/answer_constraint.h"

#include <algorithm>
#include <utility>

#include "fathom/base/error.h"
#include "fathom/chat/markers.h"

namespace fathom::grammar {
namespace {

void set(std::span<std::uint32_t> mask, std::int32_t token, bool allowed) {
  const std::uint32_t bit = 1u << (token % 32);
  if (allowed)
    mask[token / 32] |= bit;
  else
    mask[token / 32] &= ~bit;
}

void set_all(std::span<std::uint32_t> mask, std::int64_t tokens) {
  std::fill(mask.begin(), mask.end(), ~0u);
  if (tokens % 32 != 0) mask[static_cast<std::size_t>(tokens / 32)] = (1u << (tokens % 32)) - 1;
}

}  // namespace

AnswerConstraint::Place::Place(Phase begin)
    : phase(begin), think_end(marker::think_end), mark(marker::dsml_open), end_of_sentence(marker::end_of_sentence) {}

AnswerConstraint::AnswerConstraint(AnswerRules rules)
    : rules_(std::move(rules)),
      vocabulary_(&rules_.masks->vocabulary()),
      at_(rules_.thinking    ? Phase::reasoning
          : rules_.free_text ? Phase::text
                             : Phase::grammar),
      walk_(rules_.masks, rules_.start) {}

bool AnswerConstraint::begin_guess() {
  check(!before_guess_, "one guess at a time");
  before_guess_ = at_;
  walk_.begin_guess();
  return true;
}

void AnswerConstraint::end_guess() {
  check(before_guess_.has_value(), "a guess that was begun");
  at_ = *std::exchange(before_guess_, std::nullopt);
  walk_.end_guess();
}

bool AnswerConstraint::begin_with(std::string_view text) {
  check(at_.phase == Phase::grammar, "an answer that begins in its grammar");
  return walk_.accept_bytes(text);
}

bool AnswerConstraint::narrows() const {
  switch (at_.phase) {
    case Phase::reasoning: return must_go_on();
    case Phase::text: {
      const auto& marks = rules_.markers->dsml_open.completing(at_.mark.matched());
      return std::any_of(marks.begin(), marks.end(), [&](const auto& mark) { return !walk_.takes(mark.behind); });
    }
    case Phase::grammar:
    case Phase::over: return true;
  }
  return true;
}

void AnswerConstraint::allowed(std::span<std::uint32_t> mask) {
  const std::size_t words = vocabulary_->mask_words();
  check(mask.size() >= words, "a token mask as long as the vocabulary");
  std::fill(mask.begin() + static_cast<std::ptrdiff_t>(words), mask.end(), 0u);
  mask = mask.first(words);
  switch (at_.phase) {
    case Phase::reasoning: return allow_reasoning(mask);
    case Phase::text:
      set_all(mask, vocabulary_->size());
      return forbid_astray(rules_.markers->dsml_open, at_.mark.matched(), mask);
    case Phase::grammar:
      walk_.allowed(mask);
      if (walk_.finished()) set(mask, rules_.end_of_sentence, true);
      return;
    case Phase::over:
      std::fill(mask.begin(), mask.end(), 0u);
      set(mask, rules_.end_of_sentence, true);
      return;
  }
}

void AnswerConstraint::allow_reasoning(std::span<std::uint32_t> mask) const {
  set_all(mask, vocabulary_->size());
  if (!must_go_on()) return;
  set(mask, rules_.end_of_sentence, false);
  // Spelled out it ends the answer too.
  for (const auto& end : rules_.markers->end_of_sentence.completing(at_.end_of_sentence.matched()))
    set(mask, end.token, false);
  if (!rules_.free_text) forbid_astray(rules_.markers->think_end, at_.think_end.matched(), mask);
}

// A token that completes the marker and then says what the grammar does not begin with.
void AnswerConstraint::forbid_astray(const MarkerTokens& marker, std::size_t matched,
                                     std::span<std::uint32_t> mask) const {
  for (const auto& completion : marker.completing(matched))
    if (!walk_.takes(completion.behind)) set(mask, completion.token, false);
}

void AnswerConstraint::accept(std::int32_t token) {
  check(vocabulary_->has(token), "a token of the vocabulary");
  if (at_.phase == Phase::over)
    return check_equal(token, rules_.end_of_sentence, "the token behind the end of an answer");
  if (token == rules_.end_of_sentence) {
    check(at_.phase != Phase::reasoning || !must_go_on(), "an end of the reasoning before the end of the answer");
    check(at_.phase != Phase::grammar || walk_.finished(), "the end of an answer whose grammar is complete");
    at_.phase = Phase::over;
    return;
  }
  if (at_.phase == Phase::grammar) return check(walk_.accept(token), "a token that the grammar allows");
  read(vocabulary_->text(token));
}

void AnswerConstraint::read(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (at_.phase == Phase::grammar) {
      check(walk_.accept_bytes(text.substr(at)), "a token behind whose marker the grammar goes on");
      return;
    }
    if (at_.phase == Phase::reasoning)
      read_reasoning(text[at]);
    else
      read_text(text[at]);
  }
}

void AnswerConstraint::read_reasoning(char byte) {
  if (at_.end_of_sentence.step(byte)) check(!must_go_on(), "an end of the reasoning before the end of the answer");
  if (at_.mark.step(byte)) at_.drafted = true;
  if (!at_.think_end.step(byte)) return;
  at_.phase = rules_.free_text ? Phase::text : Phase::grammar;
  at_.at_start = true;
  at_.drafted = false;
  at_.mark = MarkerProgress(marker::dsml_open);
}

void AnswerConstraint::read_text(char byte) {
  if (at_.at_start) read_start(byte);
  if (at_.phase == Phase::text && at_.mark.step(byte)) at_.phase = Phase::grammar;
}

// <think> leads into reasoning once more; </think> is passed over.
void AnswerConstraint::read_start(char byte) {
  if (at_.start.empty() && std::string_view(" \t\n\r").find(byte) != std::string_view::npos) return;
  at_.start += byte;
  at_.at_start = marker::think_start.starts_with(at_.start) || marker::think_end.starts_with(at_.start);
  if (at_.start == marker::think_start) {
    at_.phase = Phase::reasoning;
    at_.think_end = MarkerProgress(marker::think_end);
    at_.end_of_sentence = MarkerProgress(marker::end_of_sentence);
    at_.mark = MarkerProgress(marker::dsml_open);
  }
  if (!at_.at_start || at_.start == marker::think_start || at_.start == marker::think_end) at_.start.clear();
}

}  // namespace fathom::grammar
