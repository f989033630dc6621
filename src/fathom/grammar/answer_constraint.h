// One answer's constraint: what may come in the reasoning, in free text, in the grammar, and at the end.
#pragma once

#include <memory>
#include <string>

#include "fathom/engine/token_constraint.h"
#include "fathom/grammar/token_masks.h"

namespace fathom::grammar {

struct AnswerRules {
  std::shared_ptr<StateMasks> masks;
  State start = 0;         // the whole answer, or with `free_text` what follows <｜DSML｜
  bool free_text = false;  // text comes first, of any kind, and the grammar only if <｜DSML｜ does
  bool thinking = false;
  std::int32_t end_of_sentence = 1;
};

class AnswerConstraint final : public TokenConstraint {
 public:
  explicit AnswerConstraint(AnswerRules rules);

  // Goes on behind text that is there already, of an answer without reasoning and free text. False, and nothing
  // changes, if none can begin so.
  bool begin_with(std::string_view text);

  bool narrows() const override;
  void allowed(std::span<std::uint32_t> mask) override;
  // InternalError for a token that allowed() does not permit.
  void accept(std::int32_t token) override;

 private:
  enum class Phase : std::uint8_t { reasoning, text, grammar, over };

  void watch(std::int32_t token);

  AnswerRules rules_;
  const Vocabulary* vocabulary_;
  Phase phase_;
  GrammarWalk walk_;
  std::string tail_;  // of the free text, as long as the mark it may end in
};

}  // namespace fathom::grammar
