// One answer's constraint: what may come in the reasoning, in free text, in the grammar, and at the end. It follows
// the text as AnswerParser reads it, with calls_in_thinking off, however its tokens spell the markers.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "fathom/engine/token_constraint.h"
#include "fathom/grammar/marker_tokens.h"
#include "fathom/grammar/token_masks.h"

namespace fathom::grammar {

struct AnswerRules {
  std::shared_ptr<StateMasks> masks;
  std::shared_ptr<const ChatMarkers> markers;
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
  bool begin_guess() override;
  void end_guess() override;

 private:
  enum class Phase : std::uint8_t { reasoning, text, grammar, over };
  // Where it stands in all but the grammar.
  struct Place {
    explicit Place(Phase phase);

    Phase phase;
    MarkerProgress think_end;
    MarkerProgress mark;             // <｜DSML｜
    MarkerProgress end_of_sentence;  // spelled out
    bool drafted = false;            // the reasoning has <｜DSML｜: what is meant must be said behind it
    bool at_start = true;            // of the text, where <think> and </think> are markers still
    std::string start = {};          // the beginning of one of them there
  };

  // The reasoning must come to its end.
  bool must_go_on() const { return !rules_.free_text || at_.drafted; }
  void allow_reasoning(std::span<std::uint32_t> mask) const;
  void forbid_astray(const MarkerTokens& marker, std::size_t matched, std::span<std::uint32_t> mask) const;
  void read(std::string_view text);
  void read_reasoning(char byte);
  void read_text(char byte);
  void read_start(char byte);

  AnswerRules rules_;
  const Vocabulary* vocabulary_;
  Place at_;
  GrammarWalk walk_;
  std::optional<Place> before_guess_;
};

}  // namespace fathom::grammar
