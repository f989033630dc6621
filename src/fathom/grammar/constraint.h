// Constraints on answers: JSON, JSON of a schema, tool calls. docs/constrained_decoding.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fathom/engine/token_constraint.h"
#include "fathom/grammar/tool_call_rules.h"
#include "fathom/tokenizer/tokenizer.h"

namespace fathom::grammar {

struct ConstraintPlan {
  enum class Answer : std::uint8_t { text, json_object, json_schema };
  enum class Choice : std::uint8_t { none, automatic, required, named };

  Answer answer = Answer::text;
  std::string schema = {};  // of a json_schema: JSON text
  std::vector<ConstraintTool> tools = {};
  Choice choice = Choice::automatic;
  std::string tool = {};    // of a named choice
  bool parallel = true;     // several calls at once are welcome
  bool thinking = false;    // the answer begins inside its reasoning
  std::string prefix = {};  // of the answer, there already: JSON goes on from it, text and calls do not look at it
  std::int32_t end_of_sentence = 1;
};

// Makes constraints for one tokenizer, which it does not keep. Grammars are kept for the next request with the same
// schemas. Thread-safe; the constraints are not, and may outlive it.
class ConstraintMaker {
 public:
  // InputError if some byte has no token.
  explicit ConstraintMaker(const Tokenizer& tokenizer);
  ~ConstraintMaker();

  // Null where nothing needs to be narrowed: text without tools, or with tools that are neither strict nor required
  // and may be called several at once. InputError names what cannot be obeyed: a keyword, a reference, a schema that
  // nothing fits or that grows too large, a tool that is not there, a prefix that no such answer has.
  std::shared_ptr<TokenConstraint> make(const ConstraintPlan& plan);

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace fathom::grammar
