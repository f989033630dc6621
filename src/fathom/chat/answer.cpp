#include "fathom/chat/answer.h"

#include "fathom/base/error.h"
#include "fathom/chat/json_text.h"

namespace fathom {

std::string_view describe(AnswerFault fault) {
  switch (fault) {
    case AnswerFault::think_end_missing: return "no </think>: all of the answer is reasoning";
    case AnswerFault::think_start_repeated: return "<think> out of place: not taken for text";
    case AnswerFault::think_end_repeated: return "</think> again: left out";
    case AnswerFault::call_in_thinking: return "tool calls before </think>: taken for the answer";
    case AnswerFault::draft_call_dropped:
      return "tool calls before </think>, then an answer: taken for drafts, left out";
    case AnswerFault::start_tag_missing: return "a tool call without the tag that opens the block";
    case AnswerFault::start_tag_malformed: return "the tag that opens the tool calls is misspelt";
    case AnswerFault::end_tag_missing: return "a closing tag is missing";
    case AnswerFault::end_tag_partial: return "a closing tag lacks its '>'";
    case AnswerFault::end_tag_stray: return "a closing tag closes nothing: left out";
    case AnswerFault::head_malformed: return "the attributes of a tag are malformed";
    case AnswerFault::string_flag_missing: return "a parameter lacks string=\"true|false\"";
    case AnswerFault::value_not_json: return "a parameter with string=\"false\" is not JSON: taken for a string";
    case AnswerFault::parameter_repeated: return "a parameter comes twice: the first counts";
    case AnswerFault::arguments_wrapped: return "one parameter named like a wrapper: opened";
    case AnswerFault::arguments_bare: return "arguments as bare text in place of parameters";
    case AnswerFault::text_in_call: return "text between parameters: left out";
    case AnswerFault::text_between_calls: return "text between or after tool calls: taken for content";
    case AnswerFault::tag_as_text: return "tags that make no tool call: taken for text";
    case AnswerFault::truncated: return "the answer was cut off inside markup";
    case AnswerFault::text_after_end: return "text after the end of the answer: left out";
  }
  throw InternalError("[chat] fault {} has no description", static_cast<int>(fault));
}

std::string write_answer(const Answer& answer) {
  std::string out = "{\"role\": \"assistant\", \"content\": ";
  append_json_string(out, answer.content);
  out += ", \"reasoning_content\": ";
  append_json_string(out, answer.reasoning_content);
  out += ", \"tool_calls\": [";
  std::string_view between;
  for (const AnswerCall& call : answer.calls) {
    out += between;
    out += "{\"type\": \"function\", \"function\": {\"name\": ";
    append_json_string(out, call.name);
    out += ", \"arguments\": ";
    append_json_string(out, call.arguments);
    out += "}}";
    between = ", ";
  }
  return out + "]}";
}

}  // namespace fathom
