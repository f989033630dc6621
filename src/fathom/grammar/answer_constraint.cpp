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

}  // namespace

AnswerConstraint::AnswerConstraint(AnswerRules rules)
    : rules_(std::move(rules)),
      vocabulary_(&rules_.masks->vocabulary()),
      phase_(rules_.thinking    ? Phase::reasoning
             : rules_.free_text ? Phase::text
                                : Phase::grammar),
      walk_(rules_.masks, rules_.start) {}

bool AnswerConstraint::begin_with(std::string_view text) {
  check(phase_ == Phase::grammar, "an answer that begins in its grammar");
  return walk_.accept_bytes(text);
}

bool AnswerConstraint::narrows() const {
  // Reasoning that an answer must follow may not end the sentence.
  return phase_ == Phase::grammar || phase_ == Phase::over || (phase_ == Phase::reasoning && !rules_.free_text);
}

void AnswerConstraint::allowed(std::span<std::uint32_t> mask) {
  const std::size_t words = vocabulary_->mask_words();
  check(mask.size() >= words, "a token mask as long as the vocabulary");
  std::fill(mask.begin() + static_cast<std::ptrdiff_t>(words), mask.end(), 0u);
  switch (phase_) {
    case Phase::reasoning:
    case Phase::text:
      std::fill_n(mask.begin(), words, ~0u);
      if (vocabulary_->size() % 32 != 0) mask[words - 1] = (1u << (vocabulary_->size() % 32)) - 1;
      if (phase_ == Phase::reasoning && !rules_.free_text) set(mask, rules_.end_of_sentence, false);
      return;
    case Phase::grammar:
      walk_.allowed(mask.first(words));
      if (walk_.finished()) set(mask, rules_.end_of_sentence, true);
      return;
    case Phase::over:
      std::fill_n(mask.begin(), words, 0u);
      set(mask, rules_.end_of_sentence, true);
      return;
  }
}

void AnswerConstraint::accept(std::int32_t token) {
  switch (phase_) {
    case Phase::reasoning:
      if (vocabulary_->think_end && token == *vocabulary_->think_end)
        phase_ = rules_.free_text ? Phase::text : Phase::grammar;
      return;
    case Phase::text: return watch(token);
    case Phase::grammar:
      if (token == rules_.end_of_sentence) {
        check(walk_.finished(), "the end of an answer whose grammar is complete");
        phase_ = Phase::over;
        return;
      }
      check(walk_.accept(token), "a token that the grammar allows");
      return;
    case Phase::over: check_equal(token, rules_.end_of_sentence, "the token behind the end of an answer"); return;
  }
}

// The mark may be the token ｜DSML｜ behind a '<' or be spelled by others, the last of which may reach into the name
// of the tag. If that is not how the grammar goes on, it was text.
void AnswerConstraint::watch(std::int32_t token) {
  const bool mark = vocabulary_->dsml && token == *vocabulary_->dsml;
  std::string_view bytes = marker::dsml_open.substr(1);
  if (!mark) bytes = vocabulary_->has(token) ? std::string_view(vocabulary_->bytes(token)) : std::string_view();
  const std::size_t before = tail_.size();
  tail_ += bytes;
  const std::size_t found = tail_.find(marker::dsml_open);
  if (found != std::string::npos && found + marker::dsml_open.size() > before &&
      walk_.accept_bytes(std::string_view(tail_).substr(found + marker::dsml_open.size()))) {
    phase_ = Phase::grammar;
    tail_.clear();
    return;
  }
  if (tail_.size() > marker::dsml_open.size()) tail_.erase(0, tail_.size() - marker::dsml_open.size());
}

}  // namespace fathom::grammar
