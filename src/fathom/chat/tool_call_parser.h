// The inside of a DSML block: calls, their parameters, and whatever a model puts in their place. The surrounding
// AnswerParser finds where a block begins and gets the text back where it was none.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fathom/chat/answer.h"
#include "fathom/chat/call_builder.h"
#include "fathom/chat/message.h"

namespace fathom {

class ToolCallParser {
 public:
  // Text that was read as part of a call and goes back to the front of the pending text.
  enum class Restore {
    nothing,
    text,      // no call, all of it
    tag,       // its first tag is text; the rest is to be read again
    afterword  // what followed a call, not read yet
  };
  struct Step {
    bool moved = false;                  // false: waits for more text
    std::size_t used = 0;                // bytes of the pending text that are done with
    bool left = false;                   // the block is over
    Restore restore = Restore::nothing;  // with `left`: what restored_text() is
  };
  // How the answer ends, for a step that has no more text to wait for.
  struct End {
    bool reached = false;
    bool cut = false;  // by a limit, not by the model
  };

  explicit ToolCallParser(std::span<const Tool> tools) : tools_(tools), builder_(tools) {}

  // A block that began with `opening`: line breaks and the tag. Bare calls have no tag: each of them counts only once
  // it is closed and only if it names an offered tool, for prose about calls looks like that too.
  void begin_block(std::string_view opening, bool in_thinking);
  void begin_bare(std::string_view line_breaks, bool in_thinking);

  Step step(std::string_view pending, End end);
  // Deltas of calls that count, since the last take; `call` is not set.
  AnswerEvents take_events();
  const std::string& restored_text() const { return raw_; }

 private:
  enum class State { between, invoke_head, in_invoke, parameter_head, value, value_close, doubt };

  Step step_between(std::string_view pending, End end);
  Step step_invoke_head(std::string_view pending, End end);
  Step step_in_invoke(std::string_view pending, End end);
  Step step_parameter_head(std::string_view pending, End end);
  Step step_value(std::string_view pending, End end);
  Step step_value_close(std::string_view pending, End end);
  Step step_doubt(std::string_view pending, End end);

  Step to(State state, std::size_t used);
  Step leave(std::size_t used);
  Step restore(std::size_t used, Restore what);
  Step drop_call(std::size_t used);
  // The tag at the front of `pending` closes: past it and its '>', or 0 to wait.
  std::size_t past_closing_tag(std::string_view pending, std::string_view tag, End end);
  Step call_tag(std::string_view pending, std::string_view tag, End end);
  Step value_tag(std::string_view pending, std::size_t offset, std::string_view tag);
  // The answer, or the thinking, is over inside a call.
  Step end_inside_call(std::size_t used, bool cut);
  Step end_doubted_value(std::size_t used);
  void append_value(std::string_view text);
  void commit();
  void confirm_call();
  void close_call(bool complete);
  void fault(AnswerFault fault) { held_.faults.push_back(fault); }

  std::span<const Tool> tools_;
  State state_ = State::between;
  bool bare_ = false;
  bool in_thinking_ = false;
  bool restorable_ = false;  // since raw_ began, nothing has been given out
  bool confirmed_ = false;   // the current call has started for sure
  bool value_empty_ = true;
  std::size_t blanks_ = 0;  // of the pending text, already looked at
  std::string raw_;
  std::string name_;
  std::string stray_;    // text inside a call, outside its parameters
  std::string doubted_;  // text that ends the value only if what follows says so
  std::string_view doubted_tag_;
  CallBuilder builder_;
  AnswerEvents held_;  // of a call that does not count yet
  AnswerEvents ready_;
};

}  // namespace fathom
