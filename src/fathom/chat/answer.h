// What the model answered, whole and in pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

// A piece of the answer, in UTF-8 and never half a character. Within one call the order is start, arguments..., end;
// the arguments joined are the call's JSON, and all pieces joined are the Answer.
struct AnswerDelta {
  enum class Kind { reasoning, content, call_start, call_arguments, call_end };
  Kind kind = Kind::content;
  std::string text;        // the tool's name at call_start; empty at call_end
  std::int64_t call = -1;  // which call, from 0; -1 for text
  bool complete = true;    // at call_end: false if the answer was cut off inside the call. Do not run such a call.

  bool operator==(const AnswerDelta&) const = default;
};

struct AnswerCall {
  std::string name;
  std::string arguments;  // always a JSON object
  bool complete = true;

  bool operator==(const AnswerCall&) const = default;
};

// Where an answer left the format, and what was made of it.
enum class AnswerFault {
  think_end_missing,     // the answer ended in its reasoning: all of it is reasoning
  think_start_repeated,  // <think> where thinking had begun or was over: taken for its beginning, not text
  think_end_repeated,    // </think> at the start of the content: left out
  call_in_thinking,      // calls before </think>, and no answer after it: they count
  draft_call_dropped,    // calls before </think>, and an answer after it: they were drafts
  start_tag_missing,     // a whole call without the tag that opens the block
  start_tag_malformed,   // that tag misspelt, or without its '>'
  end_tag_missing,       // a block, call or value closed by what came after it
  end_tag_partial,       // a closing tag without its '>'
  end_tag_stray,         // a closing tag with nothing to close: left out
  head_malformed,        // attributes of a tag not written as name="..." string="..."
  string_flag_missing,   // no string="true|false": the value is JSON if it reads as JSON, else a string
  value_not_json,        // string="false", and no JSON: the value is a string
  parameter_repeated,    // the first one counts
  arguments_wrapped,     // one parameter "arguments" around the real ones: opened
  arguments_bare,        // a JSON object in place of parameters: these are the arguments
  text_in_call,          // words between the parameters: left out
  text_between_calls,    // words between or after calls: content
  tag_as_text,           // tags that make no call: text
  truncated,             // the answer was cut off inside markup
  text_after_end,        // words after the end-of-sentence token: left out
};
std::string_view describe(AnswerFault fault);

struct Answer {
  std::string content;
  std::string reasoning_content;
  std::vector<AnswerCall> calls;
  std::vector<AnswerFault> faults;  // in order of discovery

  bool well_formed() const { return faults.empty(); }
};

// {"role": "assistant", "content": ..., "reasoning_content": ..., "tool_calls": [{"type": "function", "function":
// {"name": ..., "arguments": ...}}]}, the released parser's message.
std::string write_answer(const Answer& answer);

}  // namespace fathom
